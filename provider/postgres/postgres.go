package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

// DB has the methods of the database that a Provider calls. Use a *pgxpool.Pool. A
// *pgx.Conn is sufficient for a tool or a test: calls are serialized, nothing else may
// use the connection, and pgx closes it permanently when a context ends during a call.
//
// A pgx.Tx has the methods, too, but saves that may still be rolled back break the
// contract of package provider.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Provider implements provider.Provider. Make one with New; the zero Provider cannot be
// used. It is safe for concurrent use.
type Provider struct {
	db    DB
	turn  chan struct{} // full during a call; nil: calls may run in parallel
	table table
	sql   statements
	log   *slog.Logger

	connections int32        // of the pool at most; 0: db is not a pool
	calls       atomic.Int32 // that have a connection of the pool, or wait for one

	dialect atomic.Int32           // see isCockroach
	channel atomic.Pointer[string] // see channelName

	expired expiring.Listeners
	purged  purging.Stats

	listenConfig *pgx.ConnConfig // nil: the pool's
	pingEvery    time.Duration
	pingTimeout  time.Duration
	probeTimeout time.Duration
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Expirer  = (*Provider)(nil)
	_ provider.Purger   = (*Provider)(nil)
)

// Option configures a Provider in New.
type Option func(*Provider)

// Table sets the table's name, as in "app.sessions"; the schema may be omitted. Without a
// schema the search_path of the connection decides. The default is "holdfast_sessions".
//
// The name is quoted, so all of its characters are significant, including upper and lower
// case. Table panics if a part of it is empty, longer than the 63 bytes that PostgreSQL
// keeps, or contains a NUL.
func Table(name string) Option {
	t := parseTable(name)
	return func(p *Provider) { p.table = t }
}

// Logger sets the logger for the errors of PurgeEvery. The default is slog.Default().
func Logger(l *slog.Logger) Option {
	return func(p *Provider) { p.log = l }
}

// New returns a provider that keeps its records in a table of db. It does no I/O; see
// CreateTable for the table. If db is nil, only Schema and CockroachSchema may be called;
// other calls panic.
func New(db DB, opts ...Option) *Provider {
	p := &Provider{db: db, table: parseTable(defaultTable), pingEvery: pingEvery, pingTimeout: pingTimeout, probeTimeout: probeTimeout}
	// *pgx.Conn itself, and whatever else leads to a single connection.
	switch db.(type) {
	case *pgx.Conn, interface{ Conn() *pgx.Conn }:
		p.turn = make(chan struct{}, 1)
	}
	if pool, ok := db.(*pgxpool.Pool); ok && pool != nil {
		p.connections = pool.Config().MaxConns
	}
	for _, opt := range opts {
		opt(p)
	}
	p.sql = p.table.statements()
	return p
}

// maxData keeps rows below the 1 GB that PostgreSQL allows: a backup in text, as made by
// pg_dump, needs two digits for a byte.
const maxData = 256 << 20

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "postgres", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	rec, err := p.read(ctx, id)
	if err == nil && rec == nil {
		err = errNotFound
	}
	return rec, err
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "postgres", rec.Validate(expectVersion)); err != nil {
		return err
	}
	if len(rec.Data) > maxData {
		return errTooLarge
	}
	return p.save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "postgres", provider.ValidateID(id)); err != nil {
		return err
	}
	_, err := p.exec(ctx, p.sql.delete, id)
	return err
}

// read returns the record; it is nil if there is none.
func (p *Provider) read(ctx context.Context, id string) (rec *provider.Record, err error) {
	err = p.call(ctx, func(db DB) error {
		rec, err = scanRecord(db.QueryRow(ctx, p.sql.fetch, id), id)
		return err
	})
	return rec, err
}

// exec returns the number of rows that a statement has changed.
func (p *Provider) exec(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	err = p.call(ctx, func(db DB) error {
		tag, err := db.Exec(ctx, sql, args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// columns returns rec as the arguments $1 to $5 of the statements.
func columns(rec *provider.Record) []any {
	var expiresAt *time.Time
	if ms := provider.Millis(rec.ExpiresAt); ms != 0 {
		t := provider.FromMillis(ms)
		expiresAt = &t
	}
	data := rec.Data
	if data == nil {
		data = []byte{} // nil is NULL
	}
	return []any{rec.ID, rec.Version, expiresAt, rec.Format, data}
}

// scanRecord returns the record of a row; it is nil if there is no row.
func scanRecord(row pgx.Row, id string) (*provider.Record, error) {
	rec := &provider.Record{ID: id}
	var ms int64
	switch err := row.Scan(&rec.Version, &ms, &rec.Format, &rec.Data); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	rec.ExpiresAt = provider.FromMillis(ms)
	return rec, nil
}
