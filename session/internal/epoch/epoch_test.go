package epoch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

func TestCurrent(t *testing.T) {
	bubble(t, "reads at first, and again before what was read is too old, without a wait", func(t *testing.T) {
		in := newInstance(t, store())
		in.wantReads(0)
		in.wantKnown(0)
		in.wantReads(1)
		time.Sleep(maxAge/2 - time.Millisecond)
		in.wantKnown(0)
		in.wantReads(0)
		in.slow(time.Second, 0)
		time.Sleep(time.Millisecond)
		begin := time.Now()
		in.wantKnown(0)
		in.wantKnown(0)
		if !time.Now().Equal(begin) {
			t.Error("it has waited")
		}
		time.Sleep(time.Second)
		in.wantReads(1)
	})
	bubble(t, "reads nothing while nobody asks", func(t *testing.T) {
		in := newInstance(t, store())
		in.wantKnown(0)
		in.wantReads(1)
		time.Sleep(time.Hour)
		in.wantReads(0)
	})
	bubble(t, "waits for a read after a pause, all callers for the same one", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.wantKnown(0)
		newInstance(t, mem).advance()
		time.Sleep(maxAge)
		in.wantReads(1)
		in.slow(time.Second, time.Second)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { in.wantKnown(1) })
		}
		all.Wait()
		in.wantReads(1)
		if in.later.Load() != 1 {
			t.Errorf("told of a later epoch %d times", in.later.Load())
		}
	})
	bubble(t, "counts the age from before the read", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.slow(0, 3*time.Second) // the read is answered late
		in.wantKnown(0)
		newInstance(t, mem).advance()
		in.via.OnFetch = nil
		time.Sleep(maxAge - 3*time.Second)
		in.wantKnown(1)
	})
	bubble(t, "does not use what was read before the machine stood still", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.slow(0, maxAge)
		wantErr(t, in.Current(t.Context()), records.ErrUnavailable)
		in.wantReads(3)
	})
	bubble(t, "goes on in an outage as long as what was read may be used", func(t *testing.T) {
		in := newInstance(t, store())
		in.wantKnown(0)
		in.fail(errBroken)
		time.Sleep(maxAge - time.Millisecond)
		in.wantKnown(0)
		time.Sleep(time.Millisecond)
		wantErr(t, in.Current(t.Context()), records.ErrUnavailable)
		in.fail(nil)
		in.wantKnown(0)
	})
	bubble(t, "ends with the context of the caller, and the read goes on", func(t *testing.T) {
		mem := store()
		newInstance(t, mem).advance()
		in := newInstance(t, mem)
		in.slow(time.Second, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wantErr(t, in.Current(ctx), context.DeadlineExceeded)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := in.Known(); got != 1 {
			t.Errorf("epoch %d", got)
		}
	})
	t.Run("reads each time in this process", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		near := epoch.New(records.New(mem, records.Options{Timeout: timeout}), epoch.Options{ID: recordID, MaxAge: maxAge})
		for want := range int64(3) {
			if err := near.Current(t.Context()); err != nil || near.Known() != want || near.MaxAge() != 0 {
				t.Errorf("epoch %d, want %d: %v", near.Known(), want, err)
			}
			in.advance()
		}
	})
	t.Run("is nothing where it is off", func(t *testing.T) {
		var off *epoch.Epochs
		if off.Current(t.Context()) != nil || off.Meet(t.Context(), 5) != nil || off.Known() != 0 {
			t.Error("it is something")
		}
	})
}

func TestAnnounced(t *testing.T) {
	bubble(t, "makes the next caller read", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.wantKnown(0)
		newInstance(t, mem).advance()
		in.wantKnown(0)
		in.Announced()
		in.wantKnown(1)
		if in.later.Load() != 2 {
			t.Errorf("looked %d times", in.later.Load())
		}
	})
	bubble(t, "soon after another one is followed a second after it", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.Announced()
		in.wantKnown(0)
		newInstance(t, mem).advance()
		in.Announced()
		in.wantKnown(0)
		time.Sleep(time.Second)
		synctest.Wait()
		in.wantKnown(1)
	})
	bubble(t, "makes a read that was sent before it useless", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.slow(0, 2*time.Second)
		go func() { _ = in.Current(t.Context()) }()
		time.Sleep(time.Second)
		newInstance(t, mem).advance()
		in.Announced()
		time.Sleep(1500 * time.Millisecond) // that read has ended
		in.wantKnown(1)
	})
	bubble(t, "costs a read in a second at most", func(t *testing.T) {
		in := newInstance(t, store())
		for range 100 {
			in.Announced()
			in.wantKnown(0)
			time.Sleep(100 * time.Millisecond)
		}
		if n := in.via.Fetches.Load(); n > 11 {
			t.Errorf("%d reads in 10 seconds", n)
		}
	})
}

func TestMeet(t *testing.T) {
	bubble(t, "a session of the known epoch takes no read", func(t *testing.T) {
		in := newInstance(t, store())
		in.advance()
		in.wantReads(1)
		wantErr(t, in.Meet(t.Context(), 1), nil)
		wantErr(t, in.Meet(t.Context(), 0), nil)
		in.wantReads(0)
	})
	bubble(t, "a session of an epoch that another instance has begun", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.wantKnown(0)
		newInstance(t, mem).advance()
		wantErr(t, in.Meet(t.Context(), 1), nil)
		if in.Known() != 1 {
			t.Errorf("epoch %d", in.Known())
		}
		in.wantLog("lost", false)
	})
	bubble(t, "a session of an epoch that the store has lost", func(t *testing.T) {
		in := newInstance(t, store())
		wantErr(t, in.Meet(t.Context(), 3), nil)
		if in.Known() != 3 || in.stored() != 3 {
			t.Errorf("epoch %d, stored %d", in.Known(), in.stored())
		}
		in.wantLog("level=ERROR", true)
	})
	bubble(t, "fails with the store", func(t *testing.T) {
		in := newInstance(t, store())
		in.wantKnown(0)
		in.fail(errBroken)
		wantErr(t, in.Meet(t.Context(), 1), records.ErrUnavailable)
	})
}

func TestAdvance(t *testing.T) {
	bubble(t, "begins an epoch each, however many call it at once", func(t *testing.T) {
		mem := store()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { newInstance(t, mem).advance() })
		}
		all.Wait()
		newInstance(t, mem).wantKnown(10)
	})
	bubble(t, "is known here at once", func(t *testing.T) {
		in := newInstance(t, store())
		in.wantKnown(0)
		in.advance()
		if in.Known() != 1 {
			t.Errorf("epoch %d", in.Known())
		}
	})
	bubble(t, "fails with the store", func(t *testing.T) {
		in := newInstance(t, store())
		in.fail(errBroken)
		_, _, err := in.Advance(t.Context())
		wantErr(t, err, errBroken)
		if in.Known() != 0 {
			t.Errorf("epoch %d", in.Known())
		}
	})
	bubble(t, "follows what the store has lost", func(t *testing.T) {
		in := newInstance(t, store())
		in.advance()
		in.advance()
		in.lose()
		if got := in.advance(); got != 3 {
			t.Errorf("epoch %d", got)
		}
	})
}

func TestLostRecord(t *testing.T) {
	bubble(t, "is put back by an instance that knows it", func(t *testing.T) {
		in := newInstance(t, store())
		in.advance()
		in.lose()
		time.Sleep(maxAge)
		in.wantKnown(1)
		if in.stored() != 1 {
			t.Errorf("stored: %d", in.stored())
		}
		in.wantLog("level=ERROR", true)
	})
	bubble(t, "that another instance has begun anew ends all, as that one was asked to", func(t *testing.T) {
		mem := store()
		in := newInstance(t, mem)
		in.advance()
		in.advance()
		in.lose()
		fresh := newInstance(t, mem)
		fresh.advance()
		time.Sleep(maxAge)
		in.wantKnown(3)
		fresh.wantKnown(3)
	})
	bubble(t, "that cannot be put back is known here all the same", func(t *testing.T) {
		in := newInstance(t, store())
		in.advance()
		in.lose()
		in.fail(errBroken)
		in.via.OnFetch = nil
		time.Sleep(maxAge)
		in.wantKnown(1)
		in.wantLog("could not be put back", true)
	})
}

// When Advance has returned and MaxAge has passed, every instance knows the epoch, whenever
// it has read, however slow the store is.
func TestEveryInstanceKnowsAnEpochAfterMaxAge(t *testing.T) {
	base := rand.Uint64()
	for seed := base; seed < base+200 && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			mem, rnd := store(), rand.New(rand.NewPCG(seed, 0))
			draw := func(d time.Duration) time.Duration { return time.Duration(rnd.Int64N(int64(d))) }
			over := time.Now().Add(time.Minute)
			var mu sync.Mutex
			var least int64 // that everybody must know
			var all sync.WaitGroup
			for range 4 {
				in, pause := newInstance(t, mem), draw(maxAge)
				in.slow(draw(2*time.Second), draw(time.Second))
				all.Go(func() {
					for time.Now().Before(over) {
						mu.Lock()
						want := least
						mu.Unlock()
						if err := in.Current(t.Context()); err == nil && in.Known() < want {
							t.Errorf("epoch %d, want %d", in.Known(), want)
						}
						time.Sleep(pause)
					}
				})
			}
			boss := newInstance(t, mem)
			for time.Now().Before(over) {
				time.Sleep(draw(maxAge))
				n := boss.advance()
				time.Sleep(maxAge)
				mu.Lock()
				least = n
				mu.Unlock()
			}
			all.Wait()
			time.Sleep(2 * timeout) // for reads in the background
		})
	}
	if t.Failed() {
		t.Log(fmt.Sprint("seeds from ", base))
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}
