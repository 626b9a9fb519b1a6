-- Tasks for the program, which computes values that SQL can't: `migrate` performs them after the
-- migrations, and removes their rows. Until then the database is not served.
CREATE TABLE backfill (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO backfill VALUES ('account_names'), ('product_search');

-- `name_skeleton` is what the name looks like (UTS #39): older accounts may share one.
-- `search_text` is the form of the name that searches compare.
ALTER TABLE account ADD COLUMN name_skeleton TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
CREATE INDEX account_by_skeleton ON account (name_skeleton);
