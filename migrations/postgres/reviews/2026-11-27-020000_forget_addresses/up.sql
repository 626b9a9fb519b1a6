-- Guests' addresses were stored as hashes, salted with the cluster's id, which is in the same
-- database: trying all addresses revealed them. New values of `reader` are HMACs whose key is in no
-- database; existing values are hashed again with a random salt that is not stored. (One salt for
-- all rows: Citus refuses to call random functions for each row.)
WITH salt AS MATERIALIZED (SELECT gen_random_uuid()::text AS text)
UPDATE report SET reader = 'guest ' || md5(salt.text || report.reader)
FROM salt
WHERE report.reader LIKE 'guest %';
