package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// connectTimeout is how long an instance waits for a new connection.
const connectTimeout = 5 * time.Second

// poolSize is the number of connections of an instance, the default of pgxpool on a machine
// of four processors or fewer.
const poolSize = 4

// client is the provider of one instance, as package postgres is with pgxpool. Each call takes
// one of the instance's connections, or waits for one for half of its time. A connection
// without an answer is closed, and the next call opens another.
type client struct {
	database *database

	mu      sync.Mutex
	open    int // connections, also those that are being opened
	idle    int
	waiting []*waiter
}

// waiter is a call that waits for a connection.
type waiter struct {
	ready chan struct{} // closed when it has a connection
	gone  bool          // it has given up
}

var _ provider.Provider = (*client)(nil)

func (c *client) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	var rec *provider.Record
	err := c.call(ctx, operation{median: medianFetch, apply: func() (err error) {
		rec, err = c.database.fetch(id)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return rec, nil
}

func (c *client) Save(ctx context.Context, rec *provider.Record, expect int64) error {
	copied := rec.Clone() // it may be saved when the caller has gone
	apply := func() error { return c.database.save(copied, expect) }
	return c.call(ctx, operation{medianSave, apply, true})
}

func (c *client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, operation{medianFetch, func() error { return c.database.remove(id) }, true})
}

func (c *client) call(ctx context.Context, op operation) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		panic("fleet: a call without a deadline")
	}
	if err := c.acquire(deadline); err != nil {
		return err
	}
	err := c.database.do(deadline, op)
	c.release(errors.Is(err, errNoAnswer))
	if errors.Is(err, errNoAnswer) {
		return fmt.Errorf("%w: %w", errNoAnswer, context.DeadlineExceeded)
	}
	return err
}

// acquire waits for a connection. Its error says that nothing was sent.
func (c *client) acquire(deadline time.Time) error {
	c.mu.Lock()
	if c.idle > 0 {
		c.idle--
		c.mu.Unlock()
		return nil
	}
	w := &waiter{ready: make(chan struct{})}
	c.waiting = append(c.waiting, w)
	c.database.tally.poolQueued(len(c.waiting))
	c.connect()
	c.mu.Unlock()

	wait := time.Until(deadline)
	if !c.database.waitsAll {
		wait /= 2
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return nil
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if isClosed(w.ready) {
		return nil
	}
	w.gone = true
	return fmt.Errorf("fleet: no connection was free: %w: %w", provider.ErrNotSaved, context.DeadlineExceeded)
}

// connect opens a connection if there may be one more. As in pgxpool, that goes on if the
// call that needed it has given up. The caller holds the lock.
func (c *client) connect() {
	if c.open == poolSize {
		return
	}
	c.open++
	c.database.late.Go(func() {
		err := c.database.do(time.Now().Add(connectTimeout), operation{median: medianConnect, apply: func() error {
			c.database.tally.connected()
			return nil
		}})
		c.release(err != nil)
	})
}

// release gives a connection to the next call.
func (c *client) release(closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetGone()
	switch {
	case closed:
		c.open--
		if len(c.waiting) > 0 {
			c.connect()
		}
	case len(c.waiting) > 0:
		close(c.waiting[0].ready)
		c.waiting = c.waiting[1:]
	default:
		c.idle++
	}
}

// forgetGone removes the calls at the front that have given up.
func (c *client) forgetGone() {
	for len(c.waiting) > 0 && c.waiting[0].gone {
		c.waiting = c.waiting[1:]
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
