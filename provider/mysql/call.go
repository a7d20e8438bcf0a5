package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/pooling"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond

	// maxBroken is how many connections a call may find broken before anything is sent. The
	// driver finds most of them itself.
	maxBroken = 3
)

// call makes one trip to the database, and repeats it if it was rolled back in favor of
// another or could not be sent. It explains the error.
func (p *Provider) call(ctx context.Context, trip func(conn *sql.Conn) error) error {
	broken := 0
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := p.on(ctx, trip)
		switch {
		case errors.Is(err, driver.ErrBadConn):
			if broken++; broken == maxBroken {
				return p.explain(ctx, err)
			}
			continue // with another connection
		case !isYielding(err):
			return p.explain(ctx, err)
		}
		if err := sleep.For(ctx, rand.N(pause)); err != nil {
			return p.explain(ctx, &unsent{error: err}) // the sent statement was rolled back
		}
	}
}

// on runs f with a connection. A failure to get one is marked as unsent, to distinguish it
// from a failed statement.
func (p *Provider) on(ctx context.Context, f func(conn *sql.Conn) error) error {
	argument.NotNil("mysql: the database of New", p.db) // which is for Schema alone then
	defer p.calls.Add(-1)
	calls, most := p.calls.Add(1), p.db.Stats().MaxOpenConnections // 0: no limit
	conn, late, err := pooling.Acquire(ctx, most > 0 && int(calls) > most, p.db.Conn)
	if late {
		err = fmt.Errorf("no connection was free for half of the time of the call; "+
			"the database is too slow, or maxConns in the URL (SetMaxOpenConns) too small: %w", err)
	}
	if err != nil {
		return &unsent{error: err, late: late}
	}
	defer conn.Close()
	if err := p.checkSettings(ctx, conn); err != nil {
		return &unsent{error: err}
	}
	return f(conn)
}

// isYielding reports whether the server has rolled a statement back in favor of another:
// it has certainly had no effect, and may be tried again. A wait for a lock ends after
// innodb_lock_wait_timeout or lock_wait_timeout. To wait again instead of once for long
// limits how long a statement may still wait after its caller has given up.
func isYielding(err error) bool {
	switch numberOf(err) {
	case deadlock, lockWaitTimeout, recordChanged:
		return true
	}
	return false
}
