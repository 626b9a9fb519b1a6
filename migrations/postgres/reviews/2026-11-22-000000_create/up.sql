-- The pins, which must be the same in all databases of a cluster, and which database this is.
CREATE TABLE cluster (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    database TEXT NOT NULL,
    hash TEXT NOT NULL,
    epoch TEXT NOT NULL,
    buckets INTEGER NOT NULL,
    spread INTEGER NOT NULL
);

-- The owner rows: the buckets that this database owns. Every transaction that touches a bucket
-- checks them; they overrule the shard map.
CREATE TABLE bucket_owner (
    bucket SMALLINT NOT NULL PRIMARY KEY CHECK (bucket BETWEEN 0 AND 1023),
    state TEXT NOT NULL CHECK (state IN ('owned', 'moving', 'frozen', 'importing', 'gone')),
    epoch BIGINT NOT NULL
);

-- Clustered by product and time: a page of a product's newest reviews is one range scan. Every
-- key contains the bucket, so that the table can also be distributed by it.
CREATE TABLE review (
    bucket SMALLINT NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    id BIGINT NOT NULL CHECK (id > 0),
    product_id BIGINT NOT NULL,
    rating SMALLINT CHECK (rating BETWEEN 1 AND 5),
    title TEXT,
    body TEXT NOT NULL,
    author_name TEXT,
    PRIMARY KEY (product_id, id, bucket)
);

CREATE UNIQUE INDEX review_by_bucket ON review (bucket, id);
CREATE INDEX review_by_rating ON review (product_id, rating, id);

-- How often each rating was given; a product's rating is the sum over its home buckets.
CREATE TABLE product_rating (
    bucket SMALLINT NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    product_id BIGINT NOT NULL,
    unrated BIGINT NOT NULL DEFAULT 0 CHECK (unrated >= 0),
    r1 BIGINT NOT NULL DEFAULT 0 CHECK (r1 >= 0),
    r2 BIGINT NOT NULL DEFAULT 0 CHECK (r2 >= 0),
    r3 BIGINT NOT NULL DEFAULT 0 CHECK (r3 >= 0),
    r4 BIGINT NOT NULL DEFAULT 0 CHECK (r4 >= 0),
    r5 BIGINT NOT NULL DEFAULT 0 CHECK (r5 >= 0),
    PRIMARY KEY (product_id, bucket)
);

-- The review that was created under each Idempotency-Key, and the hash of its request.
CREATE TABLE idempotency_key (
    bucket SMALLINT NOT NULL,
    product_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    review_id BIGINT NOT NULL,
    PRIMARY KEY (bucket, product_id, key),
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id)
);
