package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// copying copies records to a store, several at a time, or compares them with it.
type copying struct {
	to                 provider.Provider
	replaces, verifies bool
	progress           *progress

	mu     sync.Mutex
	counts counts
	err    error // the first one that ends it
}

// counts counts records by what has become of them.
type counts struct {
	Copied      int64 // or found there with the same version; with verifies: the same
	Replaced    int64
	Kept        int64 // another one is there; with verifies: differs
	Missing     int64 // with verifies
	Expired     int64
	TooLarge    int64
	Unversioned int64
}

// A fate is what has become of a record.
type fate func(*counts) *int64

func copied(c *counts) *int64      { return &c.Copied }
func replaced(c *counts) *int64    { return &c.Replaced }
func kept(c *counts) *int64        { return &c.Kept }
func missing(c *counts) *int64     { return &c.Missing }
func expired(c *counts) *int64     { return &c.Expired }
func tooLarge(c *counts) *int64    { return &c.TooLarge }
func unversioned(c *counts) *int64 { return &c.Unversioned }

// toError is an error of the store to which records are copied.
type toError struct{ err error }

func (e toError) Error() string { return e.err.Error() }
func (e toError) Unwrap() error { return e.err }

// timeout limits one call.
const timeout = 30 * time.Second

// attempts is how often a call is tried that may succeed if it is repeated.
const attempts = 3

const betweenAttempts = time.Second

// errElsewhere: others have changed the record of -to again and again.
var errElsewhere = errors.New("a record changes all the time; stop the program that uses -to")

// errMarkersTo: without the marker, the other store of the migration would no longer have
// the session.
var errMarkersTo = errors.New("it has markers of a migration, which a copy must not replace; finish the move, and copy to the store that it leads to")

// run copies recs. The first error ends it.
func (c *copying) run(ctx context.Context, parallel int, recs iter.Seq2[*provider.Record, error]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *provider.Record)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for rec := range queue {
				if ctx.Err() != nil {
					continue // it was queued while another failed
				}
				what, err := c.one(ctx, rec)
				if !c.count(what, err) {
					cancel()
				}
			}
		})
	}
	for rec, err := range recs {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			c.count(nil, err)
			break
		}
		queue <- rec
	}
	close(queue)
	workers.Wait()
	return c.err
}

// count reports whether it goes on.
func (c *copying) count(what fate, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err == nil && err != nil:
		c.err = err
	case err == nil:
		*what(&c.counts)++
		c.progress.add(1)
	}
	return c.err == nil
}

// one copies one record, or compares it. It repeats what has failed: to save a version
// once more does no harm.
func (c *copying) one(ctx context.Context, rec *provider.Record) (what fate, err error) {
	switch {
	case rec.Expired(time.Now()):
		return expired, nil
	case rec.Version <= 0 && !c.verifies:
		return unversioned, nil
	}
	for i := range attempts {
		if i > 0 && !wait(ctx, betweenAttempts) {
			break
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		if c.verifies {
			what, err = c.compare(ctx, rec)
		} else {
			what, err = c.save(ctx, rec)
		}
		cancel()
		switch {
		case errors.Is(err, provider.ErrTooLarge):
			return tooLarge, nil
		case err == nil, errors.Is(err, errMarkersTo), errors.Is(err, provider.ErrRefused), errors.Is(err, provider.ErrFull):
			return what, wrapped(err)
		}
	}
	return nil, wrapped(err)
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return toError{err}
}

// save saves rec unless there is another one under its ID that must be kept.
func (c *copying) save(ctx context.Context, rec *provider.Record) (fate, error) {
	what, over := copied, int64(0)
	for range maxSwaps {
		err := c.to.Save(ctx, rec, over)
		switch {
		case err == nil:
			return what, nil
		case !errors.Is(err, provider.ErrVersionConflict):
			return nil, err
		}
		there, err := c.inTheWay(ctx, rec.ID, err)
		switch {
		case err != nil:
			return nil, err
		case there != nil && migrate.IsMarker(there):
			return nil, errMarkersTo
		case !c.replaces:
			return kept, nil
		}
		what, over = copied, 0
		if there != nil {
			what, over = replaced, there.Version
		}
		if over < 0 {
			return kept, nil // it cannot be replaced by compare-and-swap
		}
	}
	return nil, errElsewhere
}

// maxSwaps is how often save tries to replace a record that others change.
const maxSwaps = 10

// inTheWay returns the record that conflicts, or nil if it is gone.
func (c *copying) inTheWay(ctx context.Context, id string, conflicts error) (*provider.Record, error) {
	if told, ok := errors.AsType[*provider.ConflictError](conflicts); ok {
		return told.Current, nil
	}
	rec, err := c.to.Fetch(ctx, id)
	if errors.Is(err, provider.ErrNotFound) {
		return nil, nil
	}
	return rec, err
}

// compare compares rec with what is there.
func (c *copying) compare(ctx context.Context, rec *provider.Record) (fate, error) {
	there, err := c.to.Fetch(ctx, rec.ID)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return missing, nil
	case err != nil:
		return nil, err
	case isSame(rec, there):
		return copied, nil
	}
	return kept, nil
}

func isSame(a, b *provider.Record) bool {
	return a.Version == b.Version && provider.Millis(a.ExpiresAt) == provider.Millis(b.ExpiresAt) &&
		a.Format == b.Format && bytes.Equal(a.Data, b.Data)
}

// wait reports whether d has passed before ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
