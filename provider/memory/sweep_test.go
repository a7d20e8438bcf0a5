package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A bubble ends only when all of its goroutines have: these tests also show
// that the store has none.

func TestSweepRemovesExpiredRecordsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 6000 // enough for every shard to be swept, however they are spread
		p := memory.New()
		fill(t, p, n, func() *provider.Record { return expiring(0, time.Minute) })
		fill(t, p, n, func() *provider.Record { return expiring(0, time.Hour) })
		fill(t, p, n, func() *provider.Record { return record(0) })
		if got := p.Len(); got != 3*n {
			t.Fatalf("before any has expired, Len is %d, want %d", got, 3*n)
		}
		<-time.After(time.Minute)
		fill(t, p, n, func() *provider.Record { return record(0) })
		if got := p.Len(); got != 3*n {
			t.Errorf("after %d have expired and %d were added, Len is %d, want %d", n, n, got, 3*n)
		}
	})
}

func TestSweepFollowsTheLatestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New()
		extended, made, shortened := expiring(1, time.Minute), expiring(2, time.Minute), expiring(3, time.Hour)
		for _, rec := range []*provider.Record{extended, made, shortened} {
			save(t, p, rec, 0, nil)
		}
		extended.ExpiresAt = time.Now().Add(time.Hour)
		made.ExpiresAt = time.Time{}
		shortened.ExpiresAt = time.Now().Add(time.Minute)
		for _, rec := range []*provider.Record{extended, made, shortened} {
			save(t, p, rec, rec.Version, nil)
		}
		<-time.After(time.Minute)
		const n = 4000 // enough for every shard to be swept
		fill(t, p, n, func() *provider.Record { return record(0) })
		holds(t, p, extended.ID, 1)
		holds(t, p, made.ID, 2)
		if got, want := p.Len(), n+2; got != want {
			t.Errorf("Len is %d, want %d", got, want)
		}
	})
}

func TestExpiredRecordsAreAbsentBeforeTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New()
		fill(t, p, 2000, func() *provider.Record { return expiring(0, time.Minute) })
		updated, created := expiring(0, time.Minute+time.Millisecond), expiring(0, time.Minute+time.Millisecond)
		save(t, p, updated, 0, nil)
		save(t, p, created, 0, nil)
		<-time.After(time.Minute + time.Millisecond)

		updated.Version++
		save(t, p, updated, 1, provider.ErrVersionConflict)
		created.Version++
		created.ExpiresAt = time.Time{}
		save(t, p, created, 0, nil)
		holds(t, p, created.ID, 0)
		if swept := 2002 - p.Len(); swept > 100 {
			t.Errorf("%d records were swept: the test shows nothing", swept)
		}
	})
}

func TestSweepIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		p := memory.New(memory.MaxBytes(n * cost(t, record(0))))
		fill(t, p, n, func() *provider.Record { return expiring(0, time.Minute) })
		<-time.After(time.Minute)

		save(t, p, record(0), 0, nil)
		removed := n + 1 - p.Len()
		if removed < 1 || removed > memory.SweepPerSave {
			t.Errorf("a small record has removed %d, want 1 to %d", removed, memory.SweepPerSave)
		}

		large := record(int(p.Bytes()) - 1000)
		const most = memory.SweepWhenFull + 2*memory.SweepPerSave
		for p.Len() > most {
			before := p.Len()
			save(t, p, large, 0, provider.ErrFull)
			if removed := before - p.Len(); removed < memory.SweepWhenFull || removed > most {
				t.Errorf("a large record has removed %d, want %d to %d", removed, memory.SweepWhenFull, most)
			}
		}
		save(t, p, large, 0, nil)
		holds(t, p, large.ID, len(large.Data))
	})
}
