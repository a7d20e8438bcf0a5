package postgres

// The casts make the types of parameters and results independent of the columns' types,
// so that the server refuses a wrong table. Otherwise pgx would, with an error that
// quotes the value.
//
// The statements use clock_timestamp because now is the time at which the transaction
// began, which is outdated after a wait for a lock. Times are read as milliseconds, which
// have the same text in every DateStyle and time zone. Up to the year 9999 date_part,
// which uses doubles, is exact; extract is slower.
const (
	live     = `(expires_at IS NULL OR expires_at > clock_timestamp())`
	selected = `version::bigint, coalesce((date_part('epoch', expires_at) * 1000)::bigint, 0), format::text, data::bytea`

	fetchSQL = `
SELECT {columns}
FROM {table}
WHERE id = $1::text AND {live}`

	// An expired record may still be stored, and counts as absent.
	createSQL = `
INSERT INTO {table} AS stored (id, version, expires_at, format, data)
VALUES ($1::text, $2::bigint, $3::timestamptz, $4::text, $5::bytea)
ON CONFLICT (id) DO UPDATE
SET version = EXCLUDED.version, expires_at = EXCLUDED.expires_at, format = EXCLUDED.format, data = EXCLUDED.data
WHERE stored.expires_at <= clock_timestamp()`

	// The inner query waits for other writers. If one of them has written, PostgreSQL
	// evaluates both conditions again for the new row. If none has, it does not evaluate the
	// inner condition again. The condition on the time is therefore outside, where it is
	// evaluated after the wait.
	updateSQL = `
UPDATE {table}
SET version = $2::bigint, expires_at = $3::timestamptz, format = $4::text, data = $5::bytea
WHERE id = (SELECT id FROM {table} WHERE id = $1::text AND version = $6::bigint FOR NO KEY UPDATE) AND {live}`

	putSQL = `
INSERT INTO {table} (id, version, expires_at, format, data)
VALUES ($1::text, $2::bigint, $3::timestamptz, $4::text, $5::bytea)
ON CONFLICT (id) DO UPDATE
SET version = EXCLUDED.version, expires_at = EXCLUDED.expires_at, format = EXCLUDED.format, data = EXCLUDED.data`

	deleteSQL = `
DELETE FROM {table}
WHERE id = $1::text`

	// For a partitioned table, the partitions have a size.
	blocksSQL = `
SELECT greatest(pg_relation_size($1::text::regclass), (SELECT max(pg_relation_size(relid)) FROM pg_partition_tree($1::text::regclass)))
	/ current_setting('block_size')::bigint`

	// The inner query locks the expired rows between two positions, except rows that are
	// being written. The outer condition is for a partitioned table, where another partition
	// has a row at the same position.
	purgeSQL = `
DELETE FROM {table}
WHERE expires_at <= clock_timestamp() AND ctid = ANY (ARRAY(
	SELECT ctid
	FROM {table}
	WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND expires_at <= clock_timestamp()
	FOR UPDATE SKIP LOCKED))`

	// The records that Purge tells of before it removes them.
	expiredSQL = `
SELECT id::text, {columns}
FROM {table}
WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND expires_at <= clock_timestamp()`

	// It removes the versions that were told of and no others, except those being written.
	removeSQL = `
DELETE FROM {table}
WHERE expires_at <= clock_timestamp() AND id IN (
	SELECT stored.id
	FROM {table} AS stored JOIN unnest($1::text[], $2::bigint[]) AS told (id, version) ON stored.id = told.id AND stored.version = told.version
	FOR UPDATE OF stored SKIP LOCKED)`

	// faultsSQL returns what is wrong with the table, or NULL. It uses one snapshot;
	// to_regclass by itself would see a table that another transaction has created since.
	faultsSQL = `
SELECT (
	SELECT concat_ws(', ',
		CASE WHEN relkind NOT IN ('r', 'p') THEN 'it is no table' END,
		(SELECT string_agg('no column ' || wanted.name || ' ' || wanted.type, ', ')
			FROM (VALUES ('id', 'text'), ('version', 'bigint'), ('expires_at', 'timestamp with time zone'), ('format', 'text'), ('data', 'bytea')) AS wanted (name, type)
			WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = found.oid AND attname = wanted.name AND atttypid = wanted.type::regtype)),
		CASE WHEN NOT EXISTS (
			SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] AND attname = 'id'
			WHERE indrelid = found.oid AND indisunique AND indisvalid AND indimmediate AND indnkeyatts = 1 AND indpred IS NULL
		) THEN 'no unique index on id alone' END,
		(SELECT string_agg('column ' || attname || ' is NOT NULL without a default', ', ')
			FROM pg_attribute
			WHERE attrelid = found.oid AND attnum > 0 AND attnotnull AND NOT atthasdef AND attidentity = ''
				AND attname NOT IN ('id', 'version', 'format', 'data')))
	FROM pg_class AS found
	WHERE oid = to_regclass($1::text))`
)
