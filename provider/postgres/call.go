package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond
)

// call makes one trip to the database, again as long as that gives way to another
// transaction, and explains the error.
func (p *Provider) call(ctx context.Context, trip func(db DB) error) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := p.serialize(ctx, trip)
		if !isSerializationFailure(err) {
			return p.explain(ctx, err)
		}
		if err := sleep(ctx, rand.N(pause)); err != nil {
			return p.explain(ctx, &unsent{err}) // what was sent was rolled back
		}
	}
}

// on runs f with the database or, of a pool, with a connection: that none was to be
// had must not pass for a query that failed.
func (p *Provider) on(ctx context.Context, f func(db DB) error) error {
	pool, ok := p.db.(*pgxpool.Pool)
	if !ok {
		return f(p.db)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return &unsent{err}
	}
	defer conn.Release()
	return f(conn)
}

// serialize makes a trip when the database is free, if it is a single connection.
func (p *Provider) serialize(ctx context.Context, trip func(db DB) error) error {
	if p.turn != nil {
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
		case <-ctx.Done():
			return &unsent{ctx.Err()}
		}
	}
	return p.on(ctx, trip)
}

// isSerializationFailure reports whether the database has rolled a transaction back to let
// another pass. It has certainly not landed, and may be tried again. That happens
// where default_transaction_isolation is repeatable read or serializable.
// https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
func isSerializationFailure(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
