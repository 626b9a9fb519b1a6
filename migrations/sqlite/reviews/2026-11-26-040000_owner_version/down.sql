DROP TRIGGER bucket_owner_deleted;
DROP TRIGGER bucket_owner_updated;
DROP TRIGGER bucket_owner_inserted;
DROP TABLE owner_version;
