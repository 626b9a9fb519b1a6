-- What only the program can compute: `migrate` fills it in after the migrations, and removes the
-- row. Until then the database is not served.
CREATE TABLE backfill (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO backfill VALUES ('pen_names');

-- Whether an account signed with another name than its own.
ALTER TABLE review ADD COLUMN pen_name BOOLEAN NOT NULL DEFAULT FALSE;
