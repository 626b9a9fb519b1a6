-- Tasks for the program, which computes values that SQL can't: `migrate` performs them after the
-- migrations, and removes their rows. Until then the database is not served.
CREATE TABLE backfill (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO backfill VALUES ('pen_names');

-- Whether an account signed with a name other than its own.
ALTER TABLE review ADD COLUMN pen_name BOOLEAN NOT NULL DEFAULT FALSE;
