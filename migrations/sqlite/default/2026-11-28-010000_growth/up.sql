-- A retired database owns no bucket and is no longer opened. Its name is never used again.
ALTER TABLE database ADD COLUMN retired BOOLEAN NOT NULL DEFAULT FALSE;

-- Counts the changes of `database` and `shard_map`, so that every process notices them.
CREATE TABLE map_version (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    version BIGINT NOT NULL
);
INSERT INTO map_version VALUES (1, 1);

-- A change of the distribution: a plan, and its moves. `planned_for` is the map's version that the
-- plan was made from. `max_rate` limits the copied reviews per second. The process that holds the
-- lease moves the buckets. `waits_for` says why nothing moves. Times are milliseconds since the
-- Unix epoch.
CREATE TABLE rebalance (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    goal TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'running', 'paused', 'aborting', 'finished', 'aborted')),
    planned_for BIGINT NOT NULL,
    max_rate BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    lease_holder TEXT,
    lease_until BIGINT,
    waits_for TEXT,
    waits_since BIGINT
);

-- One attempt to move a bucket. Its id is in the owner rows that the move changes. `epoch` is that
-- of the source's ownership. Counts are reviews; `write_pause_us` is how long writes had to wait.
CREATE TABLE bucket_move (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    rebalance_id BIGINT NOT NULL REFERENCES rebalance (id),
    bucket SMALLINT NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    source TEXT NOT NULL REFERENCES database (name),
    target TEXT NOT NULL REFERENCES database (name),
    epoch BIGINT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'running', 'committed', 'aborting', 'done', 'aborted')),
    reviews BIGINT NOT NULL,
    copied BIGINT NOT NULL DEFAULT 0,
    repaired BIGINT NOT NULL DEFAULT 0,
    write_pause_us BIGINT,
    started_at BIGINT,
    finished_at BIGINT
);

CREATE INDEX bucket_move_by_state ON bucket_move (rebalance_id, state, id);

-- The processes that serve the cluster, and the names of the reviews databases that each can reach,
-- with spaces between them. A process that ends leaves its row, which is then no longer updated.
CREATE TABLE process (
    name TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    databases TEXT NOT NULL
);
