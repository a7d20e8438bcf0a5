package mysql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A faultyDriver has connections on which statements fail with errors that a test cannot
// bring about on a server. Without an error, a write changes nothing, and a read finds
// nothing.
type faultyDriver struct {
	exec, query error
	settings    map[string]string // that differ from those of a usual server
	execs       *int              // counts them
}

// faulty returns a database with such connections.
func faulty(t *testing.T, d faultyDriver) *sql.DB {
	t.Helper()
	db := sql.OpenDB(d)
	t.Cleanup(func() { db.Close() })
	return db
}

func (d faultyDriver) Connect(context.Context) (driver.Conn, error) { return faultyConn{d}, nil }
func (d faultyDriver) Driver() driver.Driver                        { return nil }

type faultyConn struct{ faultyDriver }

func (faultyConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (faultyConn) Begin() (driver.Tx, error)           { return nil, errors.New("not begun") }
func (faultyConn) Close() error                        { return nil }

func (c faultyConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	if c.execs != nil {
		*c.execs++
	}
	return driver.RowsAffected(0), c.exec
}

func (c faultyConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if !strings.HasPrefix(query, "SHOW SESSION VARIABLES") {
		return &textRows{}, c.query
	}
	rows := &textRows{}
	settings := map[string]string{"autocommit": "ON", "character_set_client": "utf8mb4", "max_allowed_packet": "16777216"}
	for name, value := range c.settings {
		settings[name] = value
	}
	for name, value := range settings {
		rows.rows = append(rows.rows, [2]string{name, value})
	}
	return rows, nil
}

type textRows struct{ rows [][2]string }

func (*textRows) Columns() []string { return []string{"Variable_name", "Value"} }
func (*textRows) Close() error      { return nil }

func (r *textRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	dest[0], dest[1] = []byte(r.rows[0][0]), []byte(r.rows[0][1])
	r.rows = r.rows[1:]
	return nil
}

// hooked returns a database in which something may happen after each write, and after each
// read.
func hooked(t *testing.T, cfg *mysql.Config, write func(), read func(query string)) *sql.DB {
	t.Helper()
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(hookedConnector{inner, write, read})
	t.Cleanup(func() { db.Close() })
	return db
}

type hookedConnector struct {
	driver.Connector
	write func()
	read  func(query string)
}

func (c hookedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return hookedConn{conn, c.write, c.read}, err
}

type hookedConn struct {
	driver.Conn
	write func()
	read  func(query string)
}

func (c hookedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	c.write()
	return res, err
}

func (c hookedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	c.read(query)
	return rows, err
}

func (c hookedConn) CheckNamedValue(value *driver.NamedValue) error {
	return c.Conn.(driver.NamedValueChecker).CheckNamedValue(value)
}
