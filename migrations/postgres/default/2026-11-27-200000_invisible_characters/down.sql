DELETE FROM backfill WHERE name IN ('account_names', 'product_search');
