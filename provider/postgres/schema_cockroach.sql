-- The table of package postgres in CockroachDB, for Provider.CreateTable and migrations.

CREATE TABLE IF NOT EXISTS holdfast_sessions (
	id         text PRIMARY KEY, -- a hash, so that the rows of many sessions are spread over all ranges
	version    bigint NOT NULL,
	expires_at timestamptz,      -- NULL: never
	format     text NOT NULL,
	data       bytea NOT NULL
);
