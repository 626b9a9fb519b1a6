DROP TABLE product;
DROP TABLE shard_map;
DROP TABLE database;
DROP TABLE cluster;
