-- The texts by which names are compared and found no longer contain invisible characters, so both
-- are computed again.
DELETE FROM backfill WHERE name IN ('account_names', 'product_search');
INSERT INTO backfill VALUES ('account_names'), ('product_search');
