package measure_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
)

// A bulkWriter writes many records at once, in the form in which the provider saves them.
type bulkWriter interface {
	write(context.Context, []*provider.Record) error
	close() error
}

// filled is a store that has its sessions.
type filled struct {
	url      string
	sessions int
	cookies  []string
	expiring []string
	records  int
	data     float64 // bytes of a session, on average
	took     time.Duration
}

// create creates the table of a store, if it needs one.
func create(t *testing.T, url string) {
	t.Helper()
	created, err := storeurl.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	created.Close()
}

// fill writes so many sessions that live, and those that expire, to the store.
func (s *store) fill(t *testing.T, url string, sessions int) *filled {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // what visitors leave is most of the work
	f := &filled{url: url, sessions: sessions}
	start := time.Now()
	batches := make(chan batch, 1)
	group, ctx := errgroup.WithContext(t.Context())
	produce(t, group, ctx, batches, sessions, s.expire == nil)
	group.Go(func() error { return s.write(ctx, f, batches) })
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	f.took = time.Since(start)
	return f
}

// produce starts producers that send all batches.
func produce(t *testing.T, group *errgroup.Group, ctx context.Context, batches chan<- batch, sessions int, expired bool) {
	n := int64(max(1, sessions/batchSessions))
	var next, left atomic.Int64
	workers := runtime.GOMAXPROCS(0)
	left.Store(int64(workers))
	for range workers {
		p := newProducer(t, sessions, expired)
		group.Go(func() error {
			defer func() {
				if left.Add(-1) == 0 {
					close(batches)
				}
			}()
			for number := next.Add(1) - 1; number < n; number = next.Add(1) - 1 {
				b, err := p.batch(int(number))
				if err != nil {
					return err
				}
				select {
				case batches <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
}

// write writes the batches to the store, and notes what has to be known of them.
func (s *store) write(ctx context.Context, f *filled, batches <-chan batch) error {
	w, err := s.bulk(ctx, f.url)
	if err != nil {
		return err
	}
	var data, expiring int
	for b := range batches {
		if err := w.write(ctx, b.records); err != nil {
			w.close()
			return err
		}
		f.records += len(b.records)
		f.cookies = append(f.cookies, b.cookies...)
		data += b.dataBytes
		expiring += len(b.expiring)
		f.expiring = append(f.expiring, b.expiring...)
	}
	f.data = float64(data) / float64(max(expiring, 1))
	return w.close()
}
