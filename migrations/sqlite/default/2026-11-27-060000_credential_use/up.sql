-- What a token may be used for: words with spaces between them. Tokens that are older than scopes
-- get all but `admin`, which must be requested.
ALTER TABLE api_token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read write moderate';

-- When a token or a session was last used, to the hour.
ALTER TABLE api_token ADD COLUMN last_used_at BIGINT;
ALTER TABLE session ADD COLUMN last_used_at BIGINT;

-- When the password was last typed in a session. In older sessions it must be typed again.
ALTER TABLE session ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
