package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// CockroachDB runs the statements of the verbs as PostgreSQL does. It has no positions of
// rows to purge by, compares text by bytes without a collation, ignores the settings of
// the table, and has no catalog of index properties.

//go:embed schema_cockroach.sql
var cockroachSchema string

const (
	versionSQL = `SELECT version()`

	cockroachListSQL = `
SELECT id::text, {columns}
FROM {table}
WHERE id >= $1::text AND id < $2::text AND id > $3::text AND {live}
ORDER BY id
LIMIT $4::bigint`

	// A step of a purge ends at the last of the next rows in the order of the IDs.
	cockroachStepSQL = `
SELECT coalesce(max(id), '')::text
FROM (SELECT id FROM {table} WHERE id > $1::text ORDER BY id LIMIT $2::bigint) AS step`

	cockroachPurgeSQL = `
DELETE FROM {table}
WHERE expires_at <= clock_timestamp() AND id IN (
	SELECT id
	FROM {table}
	WHERE id > $1::text AND id <= $2::text AND expires_at <= clock_timestamp()
	FOR UPDATE SKIP LOCKED)`

	cockroachExpiredSQL = `
SELECT id::text, {columns}
FROM {table}
WHERE id > $1::text AND id <= $2::text AND expires_at <= clock_timestamp()`

	// The columns of the table; whether a column is part of the primary key.
	cockroachColumnsSQL = `
SELECT col.column_name::text, col.data_type::text, col.is_nullable = 'NO' AND col.column_default IS NULL, key.column_name IS NOT NULL
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
JOIN information_schema.columns AS col ON col.table_schema = space.nspname AND col.table_name = class.relname
LEFT JOIN information_schema.table_constraints AS pk
	ON pk.table_schema = col.table_schema AND pk.table_name = col.table_name AND pk.constraint_type = 'PRIMARY KEY'
LEFT JOIN information_schema.key_column_usage AS key
	ON key.table_schema = pk.table_schema AND key.table_name = pk.table_name AND key.constraint_name = pk.constraint_name
	AND key.column_name = col.column_name
WHERE class.oid = to_regclass($1::text)::oid`
)

const rowsPerStep = 5000 // of a purge

// dialect says which database it is.
type dialect int32

const (
	unknown dialect = iota
	postgreSQL
	cockroachDB
)

// isCockroach reports whether the database is CockroachDB. It asks once.
func (p *Provider) isCockroach(ctx context.Context) (bool, error) {
	if d := dialect(p.dialect.Load()); d != unknown {
		return d == cockroachDB, nil
	}
	var version string
	err := p.call(ctx, func(db DB) error { return db.QueryRow(ctx, versionSQL).Scan(&version) })
	if err != nil {
		return false, err
	}
	d := postgreSQL
	if strings.HasPrefix(version, "CockroachDB ") {
		d = cockroachDB
	}
	p.dialect.Store(int32(d))
	return d == cockroachDB, nil
}

// purgeCockroach is Purge by steps in the order of the IDs.
func (p *Provider) purgeCockroach(ctx context.Context) (removed int64, err error) {
	for after := ""; ; {
		last, n, err := p.purgeStep(ctx, after)
		removed += n
		if err != nil || last == "" {
			return removed, err
		}
		after = last
	}
}

// purgeStep removes the expired records among the next rows after an ID. It returns the
// ID of the last of these rows, or "" if there is none.
func (p *Provider) purgeStep(ctx context.Context, after string) (last string, removed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	err = p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, p.sql.cockroachStep, after, rowsPerStep).Scan(&last)
	})
	if err != nil || last == "" {
		return last, 0, err
	}
	removed, err = p.purgeBetween(ctx, p.sql.cockroachPurge, p.sql.cockroachExpired, after, last)
	return last, removed, err
}

// column is a column of the table.
type column struct {
	name, kind string
	required   bool // NOT NULL without a default
	key        bool // part of the primary key
}

// wantedColumns are the columns as information_schema describes them.
var wantedColumns = []column{
	{name: "id", kind: "text", key: true},
	{name: "version", kind: "bigint"},
	{name: "expires_at", kind: "timestamp with time zone"},
	{name: "format", kind: "text"},
	{name: "data", kind: "bytea"},
}

// cockroachFaults returns the faults of the table, or nil if there is no such table.
func (p *Provider) cockroachFaults(ctx context.Context) (*string, error) {
	var columns []column
	err := p.call(ctx, func(db DB) error {
		rows, err := db.Query(ctx, cockroachColumnsSQL, string(p.table))
		if err != nil {
			return err
		}
		columns, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c column, err error) {
			return c, row.Scan(&c.name, &c.kind, &c.required, &c.key)
		})
		return err
	})
	if err != nil || len(columns) == 0 {
		return nil, err
	}
	faults := faultsOf(columns)
	return &faults, nil
}

// faultsOf says how the columns differ from those that are wanted.
func faultsOf(columns []column) string {
	var faults []string
	for _, want := range wantedColumns {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == want.name })
		switch {
		case i < 0 || columns[i].kind != want.kind:
			faults = append(faults, fmt.Sprintf("no column %s %s", want.name, want.kind))
		case columns[i].key != want.key:
			faults = append(faults, "the primary key is not id alone")
		case columns[i].required && want.name == "expires_at":
			faults = append(faults, "column expires_at is NOT NULL without a default")
		}
	}
	for _, c := range columns {
		if known := slices.ContainsFunc(wantedColumns, func(w column) bool { return w.name == c.name }); !known && c.required {
			faults = append(faults, fmt.Sprintf("column %s is NOT NULL without a default", c.name))
		}
	}
	return strings.Join(faults, ", ")
}
