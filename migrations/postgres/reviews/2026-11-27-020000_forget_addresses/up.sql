-- A guest's address was kept as a hash that was salted with the cluster's id, which stands in the
-- database beside it: trying all addresses led back to it. From now on `reader` is an HMAC whose
-- key is in no database; what there is gets a salt that is forgotten at once. (One for all rows:
-- Citus refuses to call random functions for each.)
WITH salt AS MATERIALIZED (SELECT gen_random_uuid()::text AS text)
UPDATE report SET reader = 'guest ' || md5(salt.text || report.reader)
FROM salt
WHERE report.reader LIKE 'guest %';
