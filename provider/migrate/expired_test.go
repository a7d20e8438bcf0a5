package migrate_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// removeExpired makes a store in memory remove the expired records of all its shards.
func removeExpired(t *testing.T, stores ...provider.Provider) {
	t.Helper()
	for _, store := range stores {
		for range 4000 {
			rec := newRecord()
			rec.ExpiresAt = time.Time{}
			save(t, store, rec, 0)
		}
	}
}

func TestOnExpiredOfBothStores(t *testing.T) {
	for name, opts := range map[string]migrate.Options{"Prepare": prepare, "Move": move} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from, to := memory.New(), memory.New()
				p := open(t, from, to, opts)
				told := map[string]*provider.Record{}
				stop := p.OnExpired(func(rec *provider.Record) { told[rec.ID] = rec })
				inFrom, movedOver := stored(t, from), stored(t, from)
				moves(t, open(t, from, to, move), movedOver.ID)
				created := stored(t, p)
				held := newRecord() // of no version, so that it is kept in a marker
				held.Version = 0
				save(t, p, held, -1)
				deleted := stored(t, from)
				if err := p.Delete(t.Context(), deleted.ID); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				removeExpired(t, from, to)
				for _, want := range []*provider.Record{inFrom, movedOver, created, held} {
					if got := told[want.ID]; got == nil || !same(got, want) {
						t.Errorf("told of %+v, want %+v", got, want)
					}
				}
				if len(told) != 4 {
					t.Errorf("told of %d records, want 4", len(told))
				}
				stop()
				stop()
				stored(t, p)
				time.Sleep(2 * time.Hour)
				removeExpired(t, from, to)
				if len(told) != 4 {
					t.Error("told after stop")
				}
			})
		})
	}
}

// A reservation that expires is no record.
func TestOnExpiredTellsOfNoReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		rec := leaveReservation(t, s)
		from, to := s.from.Provider, s.to.Provider
		p := open(t, from, to, move)
		defer p.OnExpired(func(got *provider.Record) {
			if got.ID == rec.ID {
				t.Errorf("told of %+v", got)
			}
		})()
		time.Sleep(time.Hour)
		removeExpired(t, from, to)
	})
}

func TestOnExpiredOfStoresThatDoNotTell(t *testing.T) {
	s := newPair() // whose stores hide what provider/memory has in addition to a Provider
	stop := s.open(t, move).OnExpired(func(*provider.Record) { t.Error("told") })
	rec := newRecord()
	rec.ExpiresAt = time.Now().Add(-time.Minute)
	save(t, s.from, rec, 0)
	stop()
}
