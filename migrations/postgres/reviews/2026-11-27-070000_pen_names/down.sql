ALTER TABLE review DROP COLUMN pen_name;
DROP TABLE backfill;
