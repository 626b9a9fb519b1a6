DROP TRIGGER bucket_owner_deleted;
DROP TRIGGER bucket_owner_updated;
DROP TRIGGER bucket_owner_inserted;
DROP TABLE owner_version;
CREATE INDEX review_by_id ON review (id);
CREATE UNIQUE INDEX review_by_bucket ON review (bucket, id);
DROP INDEX review_id;
