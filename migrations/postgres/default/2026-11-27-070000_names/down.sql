DROP INDEX account_by_skeleton;
ALTER TABLE account DROP COLUMN search_text;
ALTER TABLE account DROP COLUMN name_skeleton;
DROP TABLE backfill;
