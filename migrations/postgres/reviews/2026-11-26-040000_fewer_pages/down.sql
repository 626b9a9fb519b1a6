CREATE INDEX review_by_id ON review (id);
CREATE UNIQUE INDEX review_by_bucket ON review (bucket, id);

ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_bucket_review_id_fkey;
ALTER TABLE report DROP CONSTRAINT report_bucket_review_id_fkey;
ALTER TABLE review_event DROP CONSTRAINT review_event_bucket_review_id_fkey;
DROP INDEX review_id;
ALTER TABLE idempotency_key ADD CONSTRAINT idempotency_key_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
ALTER TABLE report ADD CONSTRAINT report_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
ALTER TABLE review_event ADD CONSTRAINT review_event_bucket_review_id_fkey
    FOREIGN KEY (bucket, review_id) REFERENCES review (bucket, id);
