-- The table of package mysql. For another name, print Provider.Schema.

CREATE TABLE IF NOT EXISTS holdfast_sessions (
	id         VARBINARY(255) NOT NULL PRIMARY KEY, -- compared byte by byte, whatever the default character set is
	version    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,                     -- milliseconds since 1970 UTC, independent of time zones; 0: never
	format     VARBINARY(255) NOT NULL,
	data       LONGBLOB NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
