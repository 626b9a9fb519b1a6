-- One index of ids instead of two. New ids are the highest: each goes to the last page, where one
-- by bucket would change a page of its own for each new review.
CREATE UNIQUE INDEX review_id ON review (id, bucket);
DROP INDEX review_by_bucket;
DROP INDEX review_by_id;

-- Another number after each change of owner rows, so that whoever knows them need not read them
-- again. By chance: no number comes twice, not even after a change that was rolled back.
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
