DROP INDEX product_rating_by_bucket;
DROP TABLE bucket_change;
ALTER TABLE bucket_owner DROP COLUMN move_id;
