DROP TABLE idempotency_key;
DROP TABLE product_rating;
DROP TABLE review;
DROP TABLE bucket_owner;
DROP TABLE cluster;
