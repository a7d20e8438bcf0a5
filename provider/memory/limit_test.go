package memory_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// full returns a store that has no room for even the smallest record, and one
// that is in it.
func full(t *testing.T) (*memory.Provider, *provider.Record) {
	t.Helper()
	p := memory.New(memory.MaxBytes(10 * cost(t, record(100))))
	rec := fill(t, p, 10, func() *provider.Record { return record(100) })
	return p, rec
}

func TestLimitCountsIDFormatDataAndOverhead(t *testing.T) {
	rec := record(100)
	want := int64(len(rec.ID) + len(rec.Format) + len(rec.Data) + 208)
	if got := cost(t, rec); got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
}

func TestLimitCountsNoLessThanTheHeap(t *testing.T) {
	for _, n := range []int{1_000, 7_000, 20_000, 50_000} {
		before := heap()
		p, ids := benchStore(t, n)
		got := heap() - before
		runtime.KeepAlive(ids)
		want := p.Bytes() + int64(n)*16 + int64(n)*64 // and the IDs themselves
		if got > want {
			t.Errorf("%d records take %d bytes each, %d are counted", n, got/int64(n), want/int64(n))
		}
	}
}

func TestLimitRefusesNewRecordWhenFull(t *testing.T) {
	p, old := full(t)
	save(t, p, record(0), 0, provider.ErrFull)
	save(t, p, record(0), -1, provider.ErrFull)
	holds(t, p, old.ID, 100)
	if got := p.Len(); got != 10 {
		t.Errorf("Len is %d, want 10", got)
	}
}

// A record may grow as far as there is room, and no further.
func TestLimitBoundsReplacements(t *testing.T) {
	p, rec := full(t)
	limit := p.Bytes()
	for _, expectVersion := range []int64{rec.Version, -1} {
		rec.Data = make([]byte, 101)
		save(t, p, rec, expectVersion, provider.ErrFull)
		holds(t, p, rec.ID, 100)
		rec.Data = make([]byte, 100)
		save(t, p, rec, expectVersion, nil)
	}
	other := record(100)
	save(t, p, other, 0, provider.ErrFull)
	rec.Data = make([]byte, 40)
	save(t, p, rec, rec.Version, nil)
	rec.Data = make([]byte, 100)
	save(t, p, rec, rec.Version, nil)
	if got := p.Bytes(); got != limit {
		t.Errorf("%d bytes are in use, want %d", got, limit)
	}
}

// Replacing records by larger ones at the same time does not get past the limit.
func TestLimitHoldsUnderConcurrentGrowth(t *testing.T) {
	const limit = 1 << 20
	p := memory.New(memory.MaxBytes(limit))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			rec := record(0)
			for size := 0; size < limit; size += 10_000 {
				rec.Data = make([]byte, size)
				if err := p.Save(t.Context(), rec, -1); err != nil && !errors.Is(err, provider.ErrFull) {
					t.Error(err)
				}
				if got := p.Bytes(); got > limit {
					t.Errorf("%d bytes are in use, %d are allowed", got, limit)
				}
			}
		})
	}
	wg.Wait()
	audit(t, p)
}

// What has expired makes room for a record that grows.
func TestLimitMakesRoomForGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New(memory.MaxBytes(10 * cost(t, record(100))))
		rec := record(100)
		save(t, p, rec, 0, nil)
		fill(t, p, 9, func() *provider.Record { return expiring(100, time.Minute) })
		rec.Data = make([]byte, 300)
		save(t, p, rec, rec.Version, provider.ErrFull)
		<-time.After(time.Minute)
		save(t, p, rec, rec.Version, nil)
	})
}

// A sixteenth is kept for records that exist, and for those of who is known.
func TestLimitKeepsRoom(t *testing.T) {
	p := memory.New(memory.MaxBytes(16 * cost(t, record(100))))
	var rec *provider.Record
	for range 15 {
		rec = record(100)
		if err := p.Save(t.Context(), rec, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, expectVersion := range []int64{0, -1} {
		if err := p.Save(t.Context(), record(0), expectVersion); !errors.Is(err, provider.ErrFull) {
			t.Errorf("a new record: got error %v, want ErrFull", err)
		}
	}
	rec.Data = make([]byte, 101)
	if err := p.Save(t.Context(), rec, rec.Version); err != nil {
		t.Errorf("a record that exists: %v", err)
	}
	save(t, p, record(99), 0, nil) // of who is known
	save(t, p, record(0), 0, provider.ErrFull)
}

func TestLimitIsPastInConflict(t *testing.T) {
	p, rec := full(t)
	rec.Version = 2
	save(t, p, rec, 0, provider.ErrVersionConflict)
	save(t, p, record(0), 1, provider.ErrVersionConflict)
}

func TestLimitRefusesRecordThatCanNeverFit(t *testing.T) {
	p, rec := full(t)
	limit := int(p.Bytes())
	save(t, p, record(limit), 0, provider.ErrTooLarge)
	rec.Data = make([]byte, limit)
	save(t, p, rec, rec.Version, provider.ErrTooLarge)
	save(t, p, rec, -1, provider.ErrTooLarge)
	holds(t, p, rec.ID, 100)
}

func TestLimitIsReachedExactly(t *testing.T) {
	rec := record(100)
	p := memory.New(memory.MaxBytes(cost(t, rec)))
	save(t, p, rec, 0, nil)
	remove(t, p, rec.ID)
	rec.Data = make([]byte, 101)
	save(t, p, rec, 0, provider.ErrTooLarge)
}

func TestLimitGivesRoomBack(t *testing.T) {
	t.Run("of a deleted record", func(t *testing.T) {
		p, rec := full(t)
		remove(t, p, rec.ID)
		save(t, p, record(100), 0, nil)
		save(t, p, record(0), 0, provider.ErrFull)
	})
	t.Run("of a record that shrinks", func(t *testing.T) {
		p, rec := full(t)
		a, b := record(0), record(0)
		rec.Data = nil
		save(t, p, rec, rec.Version, nil)
		save(t, p, a, 0, provider.ErrFull)
		remove(t, p, rec.ID)
		save(t, p, a, 0, nil)
		save(t, p, b, 0, provider.ErrFull)
	})
	t.Run("of a record that is saved expired", func(t *testing.T) {
		p, rec := full(t)
		rec.ExpiresAt = time.Now().Add(-time.Hour)
		save(t, p, rec, rec.Version, nil)
		save(t, p, record(100), 0, nil)
	})
	t.Run("of one that has expired, under its own ID", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, rec := full(t)
			rec.ExpiresAt = time.Now().Add(time.Second)
			save(t, p, rec, rec.Version, nil)
			<-time.After(time.Second)
			rec.ExpiresAt = time.Time{}
			save(t, p, rec, 0, nil)
			save(t, p, record(0), 0, provider.ErrFull)
		})
	})
	t.Run("of others that have expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const n = 500
			p := memory.New(memory.MaxBytes(n * cost(t, record(100))))
			fill(t, p, n, func() *provider.Record { return expiring(100, time.Minute) })
			save(t, p, record(100), 0, provider.ErrFull)
			<-time.After(time.Minute)
			fill(t, p, n, func() *provider.Record { return record(100) })
			save(t, p, record(100), 0, provider.ErrFull)
		})
	})
}

func TestLimitHoldsUnderConcurrentCreates(t *testing.T) {
	const room, each, workers = 100, 50, 8
	p := memory.New(memory.MaxBytes(room * cost(t, record(100))))
	var created, refused atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				switch err := p.Save(provider.WithReserve(context.Background()), record(100), 0); {
				case err == nil:
					created.Add(1)
				case errors.Is(err, provider.ErrFull):
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if created.Load() != room || refused.Load() != workers*each-room {
		t.Errorf("%d created and %d refused, want %d created", created.Load(), refused.Load(), room)
	}
	audit(t, p)
}

func TestMaxBytesOfOneByte(t *testing.T) {
	save(t, memory.New(memory.MaxBytes(1)), record(0), 0, provider.ErrTooLarge)
}

func TestMaxBytesPanicsUnlessPositive(t *testing.T) {
	for _, n := range []int64{0, -1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			memory.MaxBytes(n)
		})
	}
}

// A context that is over lets nothing be saved, which is certain.
func TestEndedContextIsCertain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := memory.New().Save(ctx, record(0), 0); !errors.Is(err, provider.ErrNotSaved) || !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want ErrNotSaved and Canceled", err)
	}
}
