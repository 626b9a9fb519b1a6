DROP TABLE verification;
ALTER TABLE product DROP COLUMN version;
ALTER TABLE product DROP COLUMN archived;
DROP TABLE api_token;
DROP TABLE session;
DROP TABLE account;
