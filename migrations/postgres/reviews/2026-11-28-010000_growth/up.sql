-- The last move (`bucket_move` in `default`) that changed the row. A move with a lower id, whose
-- process has lost its lease without noticing, can no longer change it.
ALTER TABLE bucket_owner ADD COLUMN move_id BIGINT;

-- Marks: the reviews that were written while their bucket moves, and still have to be copied. Each
-- mark is a random number, so that a copier removes only the marks that it has read.
CREATE TABLE bucket_change (
    bucket SMALLINT NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    review_id BIGINT NOT NULL,
    mark BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    PRIMARY KEY (bucket, review_id, mark)
);

-- The products of a bucket, by which it is copied.
CREATE INDEX product_rating_by_bucket ON product_rating (bucket, product_id);
