-- Who did what, when and from where. Names are those of that time: accounts may change theirs.
-- `changes` is a JSON array of {field, from, to}. Similar failures share a row for an hour.
CREATE TABLE audit_entry (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    action TEXT NOT NULL,
    at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    count INTEGER NOT NULL,
    actor_id BIGINT,
    actor_name TEXT,
    via TEXT,
    network TEXT,
    account_id BIGINT,
    account_name TEXT,
    product_id BIGINT,
    changes TEXT NOT NULL
);

CREATE INDEX audit_entry_by_time ON audit_entry (last_at);
CREATE INDEX audit_entry_by_action ON audit_entry (action, id);
CREATE INDEX audit_entry_by_actor ON audit_entry (actor_id, id);
CREATE INDEX audit_entry_by_account ON audit_entry (account_id, id);
