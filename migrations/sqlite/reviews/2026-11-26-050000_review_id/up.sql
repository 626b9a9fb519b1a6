-- One index of ids instead of two. New ids are the highest: each goes to the last page, where one
-- by bucket would change a page of its own for each new review.
CREATE UNIQUE INDEX review_id ON review (id, bucket);
DROP INDEX review_by_bucket;
DROP INDEX review_by_id;
