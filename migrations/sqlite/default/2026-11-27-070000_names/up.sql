-- What only the program can compute: `migrate` fills it in after the migrations, and removes the
-- row. Until then the database is not served.
CREATE TABLE backfill (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO backfill VALUES ('account_names'), ('product_search');

-- `name_skeleton` is what the name looks like (UTS #39): accounts that existed before may share one.
-- `search_text` is the name as searches find it.
ALTER TABLE account ADD COLUMN name_skeleton TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
CREATE INDEX account_by_skeleton ON account (name_skeleton);
