package sqlite

import (
	"context"
	"database/sql"
	"log/slog"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

// Provider implements provider.Provider. Make one with New; the zero Provider cannot be
// used. It is safe for concurrent use.
type Provider struct {
	db     *sql.DB
	reader *sql.DB
	turn   chan struct{} // full while a statement writes
	file   file
	table  table
	sql    statements
	log    *slog.Logger

	expired expiring.Listeners
	purged  purging.Stats
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Expirer  = (*Provider)(nil)
	_ provider.Purger   = (*Provider)(nil)
)

// Option configures a Provider in New.
type Option func(*Provider)

// Table sets the table's name. The default is "holdfast_sessions".
//
// The name is quoted, so all of its characters are significant, except that SQLite does
// not distinguish upper and lower case. Table panics if the name is empty, contains a
// NUL, is not UTF-8 or begins with "sqlite_", which SQLite reserves.
func Table(name string) Option {
	t := parseTable(name)
	return func(p *Provider) { p.table = t }
}

// Reader sets the database that Fetch, List and the search of Purge read from: another
// pool of connections to the same file. Its connections may have PRAGMA query_only. The
// default is to read from the database that New was given.
//
// It is worth it if that one has a single connection: reads then need not wait for
// writers.
func Reader(db *sql.DB) Option {
	argument.NotNil("sqlite: the database of Reader", db)
	return func(p *Provider) { p.reader = db }
}

// Logger sets the logger for the errors of PurgeEvery. The default is slog.Default().
func Logger(l *slog.Logger) Option {
	return func(p *Provider) { p.log = l }
}

// New returns a provider that keeps its records in a table of db. It does no I/O; see
// CreateTable for the table. Closing db is the caller's task, after the last call.
// If db is nil, only Schema may be called; other calls panic.
func New(db *sql.DB, opts ...Option) *Provider {
	p := &Provider{db: db, reader: db, turn: make(chan struct{}, 1), table: defaultTable}
	for _, opt := range opts {
		opt(p)
	}
	p.sql = p.statements()
	return p
}

func (p *Provider) statements() statements {
	on := func(db *sql.DB, sql string) *statement { return &statement{db: db, sql: p.table.in(sql)} }
	return statements{
		fetch:   on(p.reader, fetchSQL),
		list:    on(p.reader, listSQL),
		create:  on(p.db, createSQL),
		update:  on(p.db, updateSQL),
		put:     on(p.db, putSQL),
		delete:  on(p.db, deleteSQL),
		purge:   on(p.db, purgeSQL),
		remove:  on(p.db, removeSQL),
		expired: on(p.reader, expiredSQL),
		lastRow: p.table.in(lastRowSQL),
		scan:    p.table.in(scanSQL),
	}
}

// maxData limits how long a Save keeps other writers waiting, and the memory that it
// takes: the driver copies the data.
const maxData = 16 << 20

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "sqlite", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	rec, err := p.read(ctx, id)
	if err == nil && rec == nil {
		err = errNotFound
	}
	return rec, err
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError. Data of
// over 16 MiB is refused with provider.ErrTooLarge.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "sqlite", rec.Validate(expectVersion)); err != nil {
		return err
	}
	if len(rec.Data) > maxData {
		return errTooLarge
	}
	return p.save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "sqlite", provider.ValidateID(id)); err != nil {
		return err
	}
	_, err := p.exec(ctx, p.sql.delete, id)
	return err
}

// read returns the record; it is nil if there is none.
func (p *Provider) read(ctx context.Context, id string) (*provider.Record, error) {
	recs, err := p.query(ctx, p.sql.fetch, id)
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	return recs[0], nil
}
