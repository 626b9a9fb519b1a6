DROP TABLE process;
DROP TABLE bucket_move;
DROP TABLE rebalance;
DROP TABLE map_version;
ALTER TABLE database DROP COLUMN retired;
