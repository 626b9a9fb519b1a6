CREATE INDEX review_by_id ON review (id);
CREATE UNIQUE INDEX review_by_bucket ON review (bucket, id);
DROP INDEX review_id;
