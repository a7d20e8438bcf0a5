package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// writers are clients of a provider who lengthen the chains of a few records.
type writers struct {
	store   provider.Provider
	grace   *grace
	ids     []string
	ledgers map[string]*witness.Ledger[int64] // by record
	version atomic.Int64
	clock   clock
	group   sync.WaitGroup
	cancel  context.CancelFunc
}

const (
	writersPerRecord = 2
	recordCount      = 2

	// pace keeps clients of a store that fails at once from doing nothing else.
	pace = 10 * time.Millisecond
)

// newWriters makes the records and starts the writers.
func newWriters(t *testing.T, store provider.Provider, g *grace) *writers {
	ctx, cancel := context.WithCancel(t.Context())
	w := &writers{store: store, grace: g, ledgers: map[string]*witness.Ledger[int64]{}, cancel: cancel}
	for i := range recordCount {
		id := fmt.Sprintf("record %d", i)
		w.ids = append(w.ids, id)
		w.ledgers[id] = witness.NewLedger[int64]()
		rec := chain{}.grow(id, w.version.Add(1))
		must(t, "create", store.Save(t.Context(), rec, 0))
		w.ledgers[id].Ack(rec.Version)
	}
	for i := range recordCount * writersPerRecord {
		c := w.clock.client(fmt.Sprintf("writer %d", i))
		w.group.Go(func() { w.write(ctx, w.ids[i%recordCount], c) })
	}
	return w
}

// write reads and saves. What it cannot read does not keep it from saving what
// follows the last that it has read.
func (w *writers) write(ctx context.Context, id string, c *client) {
	var last chain
	for ctx.Err() == nil {
		phase := w.clock.phase()
		current, read := w.read(ctx, id)
		if read {
			last = current
		}
		saved := last != nil && w.lengthen(ctx, id, last, last[len(last)-1])
		c.done(phase, read && saved)
		witness.Wait(ctx, pace)
	}
}

// read returns the chain of a record, with everything in it that was acknowledged
// before.
func (w *writers) read(ctx context.Context, id string) (chain, bool) {
	l := w.ledgers[id]
	before := l.Settled()
	var rec *provider.Record
	err := w.call(ctx, l, func(ctx context.Context) (err error) {
		rec, err = w.store.Fetch(ctx, id)
		return err
	})
	if err != nil {
		if isVerdict(err) {
			l.Problem("Fetch of a record that is there: %v", err)
		}
		return nil, false
	}
	c, err := chainOf(rec)
	if err != nil {
		l.Problem("Fetch: %v: version %d, %d bytes", err, rec.Version, len(rec.Data))
		return nil, false
	}
	stored := make(map[int64]bool, len(c))
	for _, v := range c {
		stored[v] = true
	}
	for _, v := range before {
		if !stored[v] {
			l.Problem("Fetch misses %d, which was acknowledged before", v)
		}
	}
	return c, true
}

// lengthen saves the record that follows c, a second time if that fails, as
// package session does.
func (w *writers) lengthen(ctx context.Context, id string, c chain, expect int64) bool {
	l, version := w.ledgers[id], w.version.Add(1)
	rec, ack := c.grow(id, version), l.Acks()
	save := func(ctx context.Context) error { return w.store.Save(ctx, rec, expect) }
	err := w.call(ctx, l, save)
	switch {
	case err == nil:
		ack(version)
		return true
	case errors.Is(err, provider.ErrVersionConflict):
		l.Refuse(version)
		w.checkCurrent(l, err, version)
		return true // the store works
	case isVerdict(err):
		l.Problem("Save: %v", err)
		return false
	}
	// A conflict of the second is none of the first: that may have landed and be
	// replaced.
	if w.call(ctx, l, save) == nil {
		ack(version)
		return true
	}
	l.Doubt(version)
	return false
}

// checkCurrent wants the record that a conflict brings along to be whole, and
// another.
func (w *writers) checkCurrent(l *witness.Ledger[int64], err error, version int64) {
	conflict, ok := errors.AsType[*provider.ConflictError](err)
	if !ok {
		return
	}
	if conflict.Current == nil {
		l.Problem("a conflict says that there is no record")
		return
	}
	c, err := chainOf(conflict.Current)
	if err != nil {
		l.Problem("a conflict brings %v", err)
	}
	for _, v := range c {
		if v == version {
			l.Problem("a conflict denies %d and brings it along", version)
		}
	}
}

// call makes one call with callTimeout, or by the grace more.
func (w *writers) call(ctx context.Context, l *witness.Ledger[int64], do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout*w.grace.factor())
	defer cancel()
	began := time.Now()
	err := do(ctx)
	l.Took(time.Since(began))
	return err
}

// isVerdict reports whether err says something about the record, which an outage
// must not.
func isVerdict(err error) bool {
	for _, target := range []error{
		provider.ErrNotFound, provider.ErrVersionConflict, provider.ErrInvalidRecord,
		provider.ErrTooLarge, provider.ErrFull,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func (w *writers) problems() (all []string) {
	for _, id := range w.ids {
		all = append(all, w.ledgers[id].Problems()...)
	}
	return all
}

// stop ends the writers and holds what is stored against what they were told.
func (w *writers) stop(t *testing.T) (f witness.Figures) {
	t.Helper()
	w.cancel()
	w.group.Wait()
	for _, id := range w.ids {
		l := w.ledgers[id]
		var c chain
		gracefully(t, w.grace, func() (ok bool) {
			c, ok = w.read(t.Context(), id)
			return ok
		}, func() string { return fmt.Sprintf("the record cannot be read: %q", l.Problems()) })
		l.Audit("the chain", c)
		f.Landed += l.Landed(c)
		f.Add(l.Figures())
		for _, p := range l.Problems() {
			t.Errorf("provider: %s: %s", id, p)
		}
	}
	return f
}
