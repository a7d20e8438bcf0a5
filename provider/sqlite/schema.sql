-- The table of package sqlite. For another name, print Provider.Schema.

CREATE TABLE IF NOT EXISTS holdfast_sessions (
	id         TEXT NOT NULL PRIMARY KEY, -- compared byte by byte
	version    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,          -- milliseconds since 1970; 0: never
	format     TEXT NOT NULL,
	data       BLOB NOT NULL
) STRICT;

-- There is no index on expires_at on purpose: each save would have to write two
-- more pages, and Purge reads the table from end to end.
