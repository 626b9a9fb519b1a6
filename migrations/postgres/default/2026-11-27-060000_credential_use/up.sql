-- What a token may be used for: words with spaces between them. Tokens from before scopes keep all
-- but `admin`, which has to be asked for.
ALTER TABLE api_token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read write moderate';

-- When a token or a session was last used, to the hour.
ALTER TABLE api_token ADD COLUMN last_used_at BIGINT;
ALTER TABLE session ADD COLUMN last_used_at BIGINT;

-- When the password was last typed in a session. Sessions from before have to prove it anew.
ALTER TABLE session ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
