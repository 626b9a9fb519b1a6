-- One index of ids instead of two. New ids are the highest, so all of them go to the last page; an
-- index by bucket changes another page for each new review.
CREATE UNIQUE INDEX review_id ON review (id, bucket);
DROP INDEX review_by_bucket;
DROP INDEX review_by_id;

-- A new number after each change of the owner rows, so that processes that cached them read them
-- again only then. The number is random, so none is repeated, not even after a rollback.
CREATE TABLE owner_version (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    version BIGINT NOT NULL
);
INSERT INTO owner_version VALUES (1, random());

CREATE TRIGGER bucket_owner_inserted AFTER INSERT ON bucket_owner BEGIN
    UPDATE owner_version SET version = random();
END;
CREATE TRIGGER bucket_owner_updated AFTER UPDATE ON bucket_owner BEGIN
    UPDATE owner_version SET version = random();
END;
CREATE TRIGGER bucket_owner_deleted AFTER DELETE ON bucket_owner BEGIN
    UPDATE owner_version SET version = random();
END;
