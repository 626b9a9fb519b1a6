-- Only approved reviews are public, and counted by rating. `version` counts changes;
-- `open_reports` counts reports without a decision. Times are milliseconds since the Unix epoch.
ALTER TABLE review ADD COLUMN author_id BIGINT;
ALTER TABLE review ADD COLUMN status TEXT NOT NULL DEFAULT 'approved'
    CHECK (status IN ('pending', 'approved', 'rejected', 'spam', 'deleted'));
ALTER TABLE review ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE review ADD COLUMN edited_at BIGINT;
ALTER TABLE review ADD COLUMN open_reports INTEGER NOT NULL DEFAULT 0 CHECK (open_reports >= 0);

-- One review per author and product. The bucket follows from author and product, so this holds
-- for all databases together.
CREATE UNIQUE INDEX review_by_author ON review (bucket, product_id, author_id)
    WHERE author_id IS NOT NULL AND status <> 'deleted';
CREATE INDEX review_of_author ON review (author_id, id) WHERE author_id IS NOT NULL;
CREATE INDEX review_by_id ON review (id);
CREATE INDEX review_hidden ON review (id) WHERE status <> 'approved';
CREATE INDEX review_in_queue ON review (id) WHERE status = 'pending' OR open_reports > 0;

-- Reviews with any status but approved.
ALTER TABLE product_rating ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0 CHECK (hidden >= 0);

-- One report per reader and review. A reader is an account, or the salted hash of an address.
-- `closed_by` is the version of the review after the decision about the report.
CREATE TABLE report (
    bucket SMALLINT NOT NULL,
    review_id BIGINT NOT NULL,
    reader TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('spam', 'offensive', 'off_topic', 'other')),
    note TEXT,
    created_at BIGINT NOT NULL,
    closed_by INTEGER,
    PRIMARY KEY (bucket, review_id, reader),
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id)
);

-- The history of each review: one row per change, which made one version.
CREATE TABLE review_event (
    bucket SMALLINT NOT NULL,
    review_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL
        CHECK (action IN ('edit', 'delete', 'approve', 'reject', 'spam', 'undo')),
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    actor_name TEXT NOT NULL,
    reason TEXT,
    note TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, review_id, version),
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id)
);
