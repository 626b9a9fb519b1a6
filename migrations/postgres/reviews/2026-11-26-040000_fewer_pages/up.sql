-- One index of ids instead of two. New ids are the highest: each goes to the last page, where one
-- by bucket would change a page of its own for each new review.
CREATE UNIQUE INDEX review_id ON review (id, bucket);

-- What refers to reviews does so by a unique index, of which any will do.
ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_bucket_review_id_fkey;
ALTER TABLE report DROP CONSTRAINT report_bucket_review_id_fkey;
ALTER TABLE review_event DROP CONSTRAINT review_event_bucket_review_id_fkey;
DROP INDEX review_by_bucket;
DROP INDEX review_by_id;
ALTER TABLE idempotency_key ADD CONSTRAINT idempotency_key_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
ALTER TABLE report ADD CONSTRAINT report_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
ALTER TABLE review_event ADD CONSTRAINT review_event_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
