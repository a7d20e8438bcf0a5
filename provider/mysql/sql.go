package mysql

// All arguments are numbers or bytes. No statement depends on a character set, a
// collation, a time zone or an sql_mode that checkSettings accepts.
// No statement depends on whether the driver counts the rows that it has found or those
// that it has changed (clientFoundRows).
const (
	// now is the time of its evaluation, in milliseconds since 1970. UTC_TIMESTAMP and NOW
	// are of the beginning of the statement, which is too early if it has waited for a lock;
	// SYSDATE is not. The conversion of a local time alone would be ambiguous for an hour
	// of each year in time zones with daylight saving time.
	now = `((TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(6)) + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) DIV 1000)`

	live   = `(expires_at = 0 OR expires_at > ` + now + `)`
	dead   = `(expires_at > 0 AND expires_at <= ` + now + `)`
	values = `(id, version, expires_at, format, data) VALUES (?, ?, ?, ?, ?)`

	fetchSQL = `SELECT version, expires_at, format, data FROM {table} WHERE id = ? AND {live}`

	// InnoDB evaluates the conditions after it has locked the row.
	updateSQL = `UPDATE {table} SET version = ?, expires_at = ?, format = ?, data = ? WHERE id = ? AND version = ? AND {live}`

	insertSQL  = `INSERT INTO {table} {values}`
	replaceSQL = `REPLACE INTO {table} {values}`
	deleteSQL  = `DELETE FROM {table} WHERE id = ?`
	clearSQL   = `DELETE FROM {table} WHERE id = ? AND {dead}`

	// A page begins after the last ID of the one before; with an OFFSET, records would be
	// left out when others before them are deleted.
	listSQL = `SELECT id, version, expires_at, format, data FROM {table} WHERE id >= ? AND id > ? AND id < ? AND {live} ORDER BY id LIMIT ?`

	endSQL   = `SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`
	deadSQL  = `SELECT id FROM {table} WHERE id > ? AND id <= ? AND {dead} ORDER BY id`
	purgeSQL = `DELETE FROM {table} WHERE {dead} AND id IN `

	// The records that Purge tells of before it removes them. IDs are to follow.
	expiredSQL = `SELECT id, version, expires_at, format, data FROM {table} WHERE {dead} AND id IN `

	// SHOW resolves the table's name as the other statements do, in each setting of
	// lower_case_table_names.
	columnsSQL = `SHOW COLUMNS FROM {table}`
	indexesSQL = `SHOW INDEX FROM {table}`
	createSQL  = `SHOW CREATE TABLE {table}`

	settingsSQL = `SHOW SESSION VARIABLES WHERE Variable_name IN ('autocommit', 'binlog_format', 'character_set_client', 'log_bin', 'max_allowed_packet', 'sql_mode', 'transaction_isolation', 'tx_isolation')`
	packetSQL   = `SELECT @@max_allowed_packet`
)
