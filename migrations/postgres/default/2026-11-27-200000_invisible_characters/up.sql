-- What names are compared by, and what searches look through, has no characters any more that this
-- program knows to be invisible: both are computed again.
DELETE FROM backfill WHERE name IN ('account_names', 'product_search');
INSERT INTO backfill VALUES ('account_names'), ('product_search');
