-- The table of package postgres. For another name, print Provider.Schema.

CREATE TABLE IF NOT EXISTS holdfast_sessions (
	id         text COLLATE "C" PRIMARY KEY, -- compared byte by byte; no locale's update can break the index
	version    bigint NOT NULL,
	expires_at timestamptz,                  -- NULL: never
	format     text NOT NULL,
	data       bytea NOT NULL
) WITH (fillfactor = 80); -- leaves room for updates in place (HOT)

-- To compress takes longer than to write.
ALTER TABLE holdfast_sessions ALTER COLUMN data SET STORAGE EXTERNAL;

-- There is no index on expires_at on purpose: it would have to be written with
-- every save, and Purge reads the table from end to end in any case.
