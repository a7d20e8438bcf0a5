package drivertest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A tap sees the statements that a pool of connections runs.
type tap struct {
	mu  sync.Mutex
	ran []string // SQL

	mostRows atomic.Int64 // that a statement has changed

	// before, if set, is called with the first argument before a statement that changes
	// something.
	before func(first string)

	// reading, if set, is called before a statement that reads.
	reading func(query string)

	// reads, if set, is the error of all statements that read.
	reads error

	// after, if set, is called after a statement that changes something, and may replace its
	// error.
	after func(query string, err error) error
}

// open returns a pool whose statements the tap sees.
func (tp *tap) open(tb testing.TB, b backend, path string, pragmas ...string) *sql.DB {
	tb.Helper()
	name := dataSource(path, pragmas...)
	plain, err := sql.Open(string(b), name)
	if err != nil {
		tb.Fatal(err)
	}
	plain.Close()
	db := sql.OpenDB(connector{plain.Driver(), name, tp})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	tb.Cleanup(func() { db.Close() })
	return db
}

// statements returns the SQL that ran with text in it, and forgets all.
func (tp *tap) statements(text string) (ran []string) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for _, query := range tp.ran {
		if strings.Contains(query, text) {
			ran = append(ran, query)
		}
	}
	tp.ran = nil
	return ran
}

func (tp *tap) note(query string) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.ran = append(tp.ran, query)
}

type connector struct {
	driver driver.Driver
	name   string
	tap    *tap
}

func (c connector) Driver() driver.Driver { return c.driver }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	return tappedConn{conn, c.tap}, nil
}

type tappedConn struct {
	driver.Conn
	tap *tap
}

func (c tappedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return tappedStmt{stmt, query, c.tap}, nil
}

type tappedStmt struct {
	driver.Stmt
	query string
	tap   *tap
}

func (s tappedStmt) CheckNamedValue(arg *driver.NamedValue) error {
	if c, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(arg)
	}
	return driver.ErrSkip
}

func (s tappedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.tap.note(s.query)
	if s.tap.before != nil {
		s.tap.before(fmt.Sprint(args[0].Value))
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err == nil {
		n, _ := result.RowsAffected()
		s.tap.mostRows.Store(max(n, s.tap.mostRows.Load()))
	}
	if s.tap.after != nil {
		err = s.tap.after(s.query, err)
	}
	return result, err
}

func (s tappedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.tap.note(s.query)
	if s.tap.reading != nil {
		s.tap.reading(s.query)
	}
	if s.tap.reads != nil {
		return nil, s.tap.reads
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}
