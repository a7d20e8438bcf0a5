package model_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

const patience = time.Minute // a bound against hanging

// A proxy makes the storage calls of bubbles outside of them. Its channels are not of
// a bubble: while a call is on its way, the fake time waits.
type proxy struct {
	store provider.Provider
	jobs  chan func(context.Context)
	done  chan struct{}
	runs  atomic.Int64
	fails atomic.Int64
}

func newFerry(t *testing.T, store provider.Provider) *proxy {
	f := &proxy{store: store, jobs: make(chan func(context.Context)), done: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(f.serve)
	t.Cleanup(func() { close(f.jobs); wg.Wait() })
	return f
}

func (f *proxy) serve() {
	for job := range f.jobs {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		job(ctx)
		cancel()
		f.done <- struct{}{}
	}
}

// run returns what opens the store in a bubble, for one run that has its records to
// itself. It is called outside, where the time is the server's.
func (f *proxy) run() func() provider.Provider {
	now, prefix := time.Now(), fmt.Sprintf("run %d/", f.runs.Add(1))
	return func() provider.Provider {
		return &bubbled{proxy: f, prefix: prefix, ahead: time.Until(now), ends: map[string]time.Time{}}
	}
}

func (f *proxy) failures() int64 { return f.fails.Load() }

// count counts err if it is none that a store gives on purpose.
func (f *proxy) count(err error) {
	if err != nil && !errors.Is(err, provider.ErrNotFound) && !errors.Is(err, provider.ErrVersionConflict) {
		f.fails.Add(1)
	}
}

// bubbled is the store as a bubble sees it. A record lives by the bubble's clock:
// when its time is over there, it is deleted.
type bubbled struct {
	*proxy
	prefix string        // of the IDs in the store
	ahead  time.Duration // of the bubble's clock is the server's

	mu   sync.Mutex
	ends map[string]time.Time // by ID, of what is stored
}

// call makes a call, after which the record ends as the call says, if it does.
func (b *bubbled) call(ctx context.Context, id string, job func(ctx context.Context, id string) (ends *time.Time)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	end := b.ends[id]
	over := !end.IsZero() && !time.Now().Before(end)
	var ends *time.Time
	var err error
	b.jobs <- func(ctx context.Context) {
		if over {
			err = b.store.Delete(ctx, b.prefix+id)
			b.count(err)
		}
		if err == nil {
			ends = job(ctx, b.prefix+id)
		}
	}
	<-b.done
	if ends != nil {
		b.ends[id] = *ends
	}
	return err
}

// Fetch implements provider.Provider.
func (b *bubbled) Fetch(ctx context.Context, id string) (rec *provider.Record, err error) {
	failed := b.call(ctx, id, func(ctx context.Context, id string) *time.Time {
		rec, err = b.store.Fetch(ctx, id)
		b.count(err)
		return nil
	})
	if failed != nil {
		return nil, failed
	}
	return b.inward(rec, id), err
}

// Save implements provider.Provider.
func (b *bubbled) Save(ctx context.Context, rec *provider.Record, expect int64) (err error) {
	ends := rec.ExpiresAt
	failed := b.call(ctx, rec.ID, func(ctx context.Context, id string) *time.Time {
		out := *rec
		out.ID, out.ExpiresAt = id, shift(rec.ExpiresAt, b.ahead)
		err = b.store.Save(ctx, &out, expect)
		b.count(err)
		if err != nil {
			return nil
		}
		return &ends
	})
	if failed != nil {
		return failed
	}
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok {
		conflict.Current = b.inward(conflict.Current, rec.ID)
	}
	return err
}

// Delete implements provider.Provider.
func (b *bubbled) Delete(ctx context.Context, id string) (err error) {
	failed := b.call(ctx, id, func(ctx context.Context, id string) *time.Time {
		err = b.store.Delete(ctx, id)
		b.count(err)
		return &time.Time{}
	})
	if failed != nil {
		return failed
	}
	return err
}

func (b *bubbled) inward(rec *provider.Record, id string) *provider.Record {
	if rec != nil {
		rec.ID, rec.ExpiresAt = id, shift(rec.ExpiresAt, -b.ahead)
	}
	return rec
}

func shift(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}
