-- The pins, which must be the same in all databases of a cluster, and which database this file is.
CREATE TABLE cluster (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    database TEXT NOT NULL,
    hash TEXT NOT NULL,
    epoch TEXT NOT NULL,
    buckets INTEGER NOT NULL,
    spread INTEGER NOT NULL
);

-- The reviews databases. One is `new` until its own pins and owner rows are written: after that, a
-- missing file is an error and not created again.
CREATE TABLE database (
    name TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('new', 'ready'))
);

CREATE TABLE shard_map (
    bucket SMALLINT NOT NULL PRIMARY KEY CHECK (bucket BETWEEN 0 AND 1023),
    database TEXT NOT NULL REFERENCES database (name),
    epoch BIGINT NOT NULL
);

-- `search_text` is name and SKU, folded: lower case, without accents.
CREATE TABLE product (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
    name TEXT NOT NULL,
    description TEXT,
    sku TEXT UNIQUE,
    picture_url TEXT,
    search_text TEXT NOT NULL
);
