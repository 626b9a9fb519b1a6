-- One index of ids instead of two. New ids are the highest, so all of them go to the last page; an
-- index by bucket changes another page for each new review.
CREATE UNIQUE INDEX review_id ON review (id, bucket);

-- Foreign keys to reviews need a unique index: any will do.
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
