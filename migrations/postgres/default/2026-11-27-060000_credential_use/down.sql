ALTER TABLE session DROP COLUMN proved_at;
ALTER TABLE session DROP COLUMN last_used_at;
ALTER TABLE api_token DROP COLUMN last_used_at;
ALTER TABLE api_token DROP COLUMN scopes;
