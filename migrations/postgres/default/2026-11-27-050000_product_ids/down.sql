-- Only SQLite needs a change: an identity column never gives an id twice.
SELECT 1;
