package sqlite

// Each call is a single statement, which is a transaction of its own. A transaction that
// reads and then writes fails at once if another writer was faster, whatever its timeout.
//
// SQLite evaluates the time when a statement runs, after the wait for the lock.
const (
	now         = `CAST(round(unixepoch('subsec') * 1000) AS INTEGER)`
	live        = `(expires_at = 0 OR expires_at > ` + now + `)`
	expired     = `(expires_at <> 0 AND expires_at <= ` + now + `)`
	columnNames = `id, version, expires_at, format, data`
	update      = `UPDATE SET version = excluded.version, expires_at = excluded.expires_at, format = excluded.format, data = excluded.data`

	fetchSQL = `
SELECT {columns}
FROM {table}
WHERE id = ?1 AND {live}`

	// An expired record may still be stored, and counts as absent.
	createSQL = `
INSERT INTO {table} ({columns})
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO {update}
WHERE {expired}`

	updateSQL = `
UPDATE {table}
SET version = ?2, expires_at = ?3, format = ?4, data = ?5
WHERE id = ?1 AND version = ?6 AND {live}`

	putSQL = `
INSERT INTO {table} ({columns})
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO {update}`

	deleteSQL = `
DELETE FROM {table}
WHERE id = ?1`

	// A page begins after the last ID of the one before; with an OFFSET, records would be
	// left out when others before them are deleted. There is one lower bound: of two, SQLite
	// looks up the first in the index, and each page would be read from the beginning.
	listSQL = `
SELECT {columns}
FROM {table}
WHERE id >= max(?1, ?3) AND id < ?2 AND id <> ?3 AND {live}
ORDER BY id
LIMIT ?4`

	lastRowSQL = `
SELECT coalesce(max(rowid), 0)
FROM {table}`

	// scanSQL returns the last of the next rows, and how many of them have expired.
	scanSQL = `
SELECT coalesce(max(row), 0), coalesce(sum(over), 0)
FROM (SELECT rowid AS row, {expired} AS over FROM {table} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2)`

	purgeSQL = `
DELETE FROM {table}
WHERE rowid IN (SELECT rowid FROM {table} WHERE rowid > ?1 AND rowid <= ?2 AND {expired} ORDER BY rowid LIMIT ?3)`

	// The records that Purge tells of before it removes them.
	expiredSQL = `
SELECT {columns}
FROM {table}
WHERE rowid > ?1 AND rowid <= ?2 AND {expired}
ORDER BY rowid
LIMIT ?3`

	// It removes the versions that were told of and no others.
	removeSQL = `
DELETE FROM {table}
WHERE (id, version) IN (VALUES {told}) AND {expired}`

	// faultsSQL returns what is wrong with the table, or NULL if there is none.
	faultsSQL = `
SELECT concat_ws(', ',
	CASE WHEN found.type <> 'table' THEN 'it is no table' END,
	CASE WHEN found.wr THEN 'it has no rowid' END,
	(SELECT group_concat('no column ' || wanted.name || ' ' || wanted.type, ', ')
		FROM (SELECT 'id' AS name, 'TEXT' AS type UNION ALL SELECT 'version', 'INTEGER' UNION ALL SELECT 'expires_at', 'INTEGER'
			UNION ALL SELECT 'format', 'TEXT' UNION ALL SELECT 'data', 'BLOB') AS wanted
		WHERE NOT EXISTS (SELECT * FROM pragma_table_xinfo(?1) AS present
			WHERE lower(present.name) = wanted.name AND upper(present.type) = wanted.type AND present.hidden = 0)),
	CASE WHEN NOT EXISTS (SELECT * FROM pragma_index_list(?1) AS idx
		WHERE idx."unique" AND NOT idx.partial
			AND (SELECT group_concat(lower(part.name) || ' ' || part.coll) FROM pragma_index_xinfo(idx.name) AS part WHERE part.key) = 'id BINARY')
		THEN 'no unique index on id alone' END,
	(SELECT group_concat('column ' || name || ' is NOT NULL without a default', ', ')
		FROM pragma_table_xinfo(?1)
		WHERE "notnull" AND dflt_value IS NULL AND hidden = 0 AND pk = 0
			AND lower(name) NOT IN ('id', 'version', 'expires_at', 'format', 'data')))
FROM pragma_table_list(?1) AS found
WHERE found.schema = 'main'`
)

// statements are the SQL of a Provider.
type statements struct {
	fetch, list                 *statement // of the database for reading
	create, update, put, delete *statement // of the database for writing
	purge, remove               *statement // of the database for writing
	expired                     *statement // of the database for reading
	lastRow, scan               string
}
