package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/pooling"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond
)

// call makes one trip to the database, and repeats it after serialization failures. It
// explains the error.
func (p *Provider) call(ctx context.Context, trip func(db DB) error) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := p.serialize(ctx, trip)
		if !isSerializationFailure(err) {
			return p.explain(ctx, err)
		}
		if err := sleep.For(ctx, rand.N(pause)); err != nil {
			return p.explain(ctx, &unsent{error: err}) // the sent statement was rolled back
		}
	}
}

// on runs f with the database or, if it is a pool, with a connection. A failure to get a
// connection is marked as unsent, to distinguish it from a failed query.
func (p *Provider) on(ctx context.Context, f func(db DB) error) error {
	argument.NotNil("postgres: the database of New", p.db) // which is for Schema alone then
	pool, ok := p.db.(*pgxpool.Pool)
	if !ok {
		return f(p.db)
	}
	defer p.calls.Add(-1)
	conn, late, err := pooling.Acquire(ctx, p.calls.Add(1) > p.connections, pool.Acquire)
	if late {
		err = fmt.Errorf("no connection of the pool was free for half of the time of the call; "+
			"the database is too slow, or pool_max_conns in the URL too small: %w", err)
	}
	if err != nil {
		return &unsent{error: err, late: late}
	}
	defer conn.Release()
	return f(conn)
}

// serialize makes a trip. If the database is a single connection, it first waits until
// that is free.
func (p *Provider) serialize(ctx context.Context, trip func(db DB) error) error {
	if p.turn != nil {
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
		case <-ctx.Done():
			return &unsent{error: ctx.Err()}
		}
	}
	return p.on(ctx, trip)
}

// isSerializationFailure reports whether the database has rolled back a transaction in
// favor of another. It has certainly had no effect, and may be tried again. That happens
// if default_transaction_isolation is repeatable read or serializable.
// https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
func isSerializationFailure(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}
