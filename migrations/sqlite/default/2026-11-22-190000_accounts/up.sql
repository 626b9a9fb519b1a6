-- `name_key` is the form in which names are compared: folded to lower case. `demo_password`: the
-- password is the demo's, which everybody knows. Times are milliseconds since the Unix epoch.
CREATE TABLE account (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('member', 'moderator', 'admin')),
    disabled BOOLEAN NOT NULL DEFAULT FALSE,
    demo_password BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL
);

-- Secrets are stored as hashes: reading this table does not let anyone sign in.
CREATE TABLE session (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    account_id BIGINT NOT NULL REFERENCES account (id),
    secret_hash BLOB NOT NULL UNIQUE,
    user_agent TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX session_by_account ON session (account_id, id);
CREATE INDEX session_by_expiry ON session (expires_at);

CREATE TABLE api_token (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    account_id BIGINT NOT NULL REFERENCES account (id),
    secret_hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE INDEX api_token_by_account ON api_token (account_id, id);

-- A product with reviews is never deleted, only archived. `version` counts changes.
ALTER TABLE product ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- The last finished check of each reviews database; `problems` is a JSON array of lines.
CREATE TABLE verification (
    database TEXT NOT NULL PRIMARY KEY REFERENCES database (name),
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    reviews BIGINT NOT NULL,
    problem_count BIGINT NOT NULL,
    problems TEXT NOT NULL
);
