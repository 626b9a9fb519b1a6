-- The old values can't be restored.
SELECT 1;
