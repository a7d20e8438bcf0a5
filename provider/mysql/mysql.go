package mysql

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math"
	"strconv"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

// Provider implements provider.Provider. Make one with Open or New; the zero Provider
// cannot be used. It is safe for concurrent use.
type Provider struct {
	db     *sql.DB
	table  table
	sql    statements
	log    *slog.Logger
	close  func() error
	calls  atomic.Int32 // that have a connection, or wait for one
	packet atomic.Int64 // max_allowed_packet; 0: the settings are not checked yet

	expired expiring.Listeners
	purged  purging.Stats
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Expirer  = (*Provider)(nil)
	_ provider.Purger   = (*Provider)(nil)
)

// Option configures a Provider in Open or New.
type Option func(*Provider)

// Table sets the table's name, as in "app.sessions"; the database may be omitted. Without
// it, the database of the connection is used. The default is "holdfast_sessions".
//
// The name is quoted, so it may contain any character except a dot. Whether upper and
// lower case differ depends on the server (lower_case_table_names). Table panics if a
// part of the name is one that MySQL does not allow: empty, longer than 64 characters, or
// with a blank at its end.
func Table(name string) Option {
	t := parseTable(name)
	return func(p *Provider) { p.table = t }
}

// Logger sets the logger for the errors of PurgeEvery. The default is slog.Default().
func Logger(l *slog.Logger) Option {
	return func(p *Provider) { p.log = l }
}

// New returns a provider that keeps its records in a table of db, which must be opened
// with the driver of github.com/go-sql-driver/mysql. The package's documentation says how
// to set up db; Open does it for you. New does no I/O; see CreateTable for the table.
//
// The first call of the Provider checks the settings of the connection that matter, with
// one more trip. All calls fail with an error that says what to change, such as
// autocommit, until it is changed.
// If db is nil, only Schema may be called; other calls panic.
func New(db *sql.DB, opts ...Option) *Provider {
	p := &Provider{db: db, table: parseTable(defaultTable)}
	for _, opt := range opts {
		opt(p)
	}
	p.sql = p.table.statements()
	return p
}

// Close closes the connections of a Provider that was made with Open. After New it does
// nothing: close the *sql.DB.
func (p *Provider) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "mysql", provider.ValidateID(id)); err != nil {
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
	if err := outcome.Check(ctx, "mysql", rec.Validate(expectVersion)); err != nil {
		return err
	}
	return p.save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "mysql", provider.ValidateID(id)); err != nil {
		return err
	}
	_, err := p.exec(ctx, p.sql.delete, []byte(id))
	return err
}

// read returns the record; it is nil if there is none.
func (p *Provider) read(ctx context.Context, id string) (rec *provider.Record, err error) {
	err = p.call(ctx, func(conn *sql.Conn) error {
		found := &provider.Record{ID: id}
		row := conn.QueryRowContext(ctx, p.sql.fetch, []byte(id))
		switch err := row.Scan((*number)(&found.Version), &expiry{found}, &found.Format, &found.Data); {
		case errors.Is(err, sql.ErrNoRows):
			rec = nil
			return nil
		case err != nil:
			return err
		}
		rec = found
		return nil
	})
	return rec, err
}

// exec returns the number of rows that a statement has changed.
func (p *Provider) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = p.call(ctx, func(conn *sql.Conn) error {
		rows, err = execOn(ctx, conn, query, args...)
		return err
	})
	return rows, err
}

func execOn(ctx context.Context, conn *sql.Conn, query string, args ...any) (int64, error) {
	res, err := conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// A number is read from a column. The errors of database/sql would quote the value.
type number int64

var errNoNumber = errors.New("not a number")

// Scan implements sql.Scanner.
func (n *number) Scan(value any) error {
	switch v := value.(type) {
	case int64:
		*n = number(v)
		return nil
	case uint64: // of the server's variables
		*n = number(min(v, math.MaxInt64))
		return nil
	case []byte:
		i, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return errNoNumber
		}
		*n = number(i)
		return nil
	}
	return errNoNumber
}

// An expiry is the ExpiresAt of a record, which is read from a column.
type expiry struct{ rec *provider.Record }

// Scan implements sql.Scanner.
func (e *expiry) Scan(value any) error {
	var ms number
	if err := ms.Scan(value); err != nil {
		return err
	}
	e.rec.ExpiresAt = provider.FromMillis(int64(ms))
	return nil
}
