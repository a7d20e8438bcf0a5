package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const (
	minPause = time.Millisecond
	maxPause = 16 * time.Millisecond
)

// A statement is prepared once for each connection.
type statement struct {
	db       *sql.DB
	sql      string
	prepared atomic.Pointer[sql.Stmt]
}

func (s *statement) prepare(ctx context.Context) (*sql.Stmt, error) {
	if stmt := s.prepared.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, s.sql)
	if err != nil {
		return nil, err
	}
	if !s.prepared.CompareAndSwap(nil, stmt) {
		stmt.Close()
	}
	return s.prepared.Load(), nil
}

// A sending is an argument of a statement that notes whether the statement has begun:
// database/sql asks for its value once it has a connection, and before the driver runs
// the statement.
type sending struct {
	value driver.Value
	begun bool
}

// Value implements driver.Valuer.
func (s *sending) Value() (driver.Value, error) {
	s.begun = true
	return s.value, nil
}

// exec runs a statement that writes, and returns the number of rows that it has changed.
// The writers of a Provider take turns in the order of their calls: SQLite has one writer
// at a time, and those that wait for each other by trying again are not served in order.
func (p *Provider) exec(ctx context.Context, s *statement, args ...any) (rows int64, err error) {
	err = p.inTurn(ctx, func() error {
		stmt, err := s.prepare(ctx)
		if err != nil {
			return &unsent{err}
		}
		first := &sending{value: args[0]}
		result, err := stmt.ExecContext(ctx, append([]any{first}, args[1:]...)...)
		if err != nil && !first.begun {
			return &unsent{err}
		}
		if err == nil {
			rows, err = result.RowsAffected()
		}
		return err
	})
	return rows, err
}

// inTurn calls a function that writes when no other is writing.
func (p *Provider) inTurn(ctx context.Context, write func() error) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return p.explain(ctx, &unsent{ctx.Err()})
	}
	return p.call(ctx, write)
}

// query returns the records that a statement selects.
func (p *Provider) query(ctx context.Context, s *statement, args ...any) (recs []*provider.Record, err error) {
	err = p.call(ctx, func() error {
		recs = nil
		stmt, err := s.prepare(ctx)
		if err != nil {
			return &unsent{err}
		}
		rows, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			rec, err := scanRecord(rows)
			if err != nil {
				return err
			}
			recs = append(recs, rec)
		}
		return rows.Err()
	})
	return recs, err
}

// queryRow reads the one row that SQL selects, which is not prepared.
func (p *Provider) queryRow(ctx context.Context, db *sql.DB, sql string, args []any, to ...any) error {
	return p.call(ctx, func() error { return db.QueryRowContext(ctx, sql, args...).Scan(to...) })
}

// call makes a call, and repeats it for as long as another connection has locked the
// database. It explains the error. A call that was refused for a lock has had no effect.
//
// SQLite itself waits in this way if it has a busy_timeout, but some drivers do not end
// that wait with the context.
func (p *Provider) call(ctx context.Context, trip func() error) error {
	argument.NotNil("sqlite: the database of New", p.db) // which is for Schema alone then
	if err := p.file.check(ctx, p.reader); err != nil {
		return p.explain(ctx, err)
	}
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := trip()
		if !isLocked(err) {
			return p.explain(ctx, err)
		}
		if ended := sleep.For(ctx, pause/2+rand.N(pause)); ended != nil {
			return p.explain(ctx, &unsent{err})
		}
	}
}
