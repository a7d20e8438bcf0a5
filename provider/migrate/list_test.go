package migrate_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func listed(t *testing.T, p *migrate.Provider) map[string]*provider.Record {
	t.Helper()
	all := map[string]*provider.Record{}
	for rec, err := range p.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[rec.ID] = rec
	}
	return all
}

// List yields the records of both stores and no marker, in each state of a move.
func TestList(t *testing.T) {
	s := newPair()
	plain, frozen, moved, created := stored(t, s.from), stored(t, s.from), stored(t, s.from), stored(t, s.open(t, move))
	ofNew := stored(t, s.to)
	held := newRecord()
	held.Version = -1
	save(t, s.open(t, move), held, -1)
	leaveReservation(t, s)
	leaveMoving(t, s, frozen.ID)
	moves(t, s.open(t, move), moved.ID)
	for _, opts := range []migrate.Options{prepare, move} {
		want := []*provider.Record{plain, frozen, moved, created, ofNew}
		got := listed(t, s.open(t, opts))
		for _, rec := range want {
			if got[rec.ID] == nil || !same(got[rec.ID], rec) {
				t.Errorf("List yields %+v, want %+v", got[rec.ID], rec)
			}
			delete(got, rec.ID)
		}
		delete(got, held.ID) // in to, since nothing was in from
		for _, rec := range got {
			t.Errorf("List yields %+v, which is no record", rec)
		}
	}
}

// listing is a store that does something in the middle of a listing.
type listing struct {
	store
	before func()
}

func (l listing) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		if l.before != nil {
			l.before()
		}
		for rec, err := range l.store.List(ctx, prefix) {
			if !yield(rec, err) {
				return
			}
		}
	}
}

// A record that is moved during a listing is yielded at least once.
func TestListDuringAMove(t *testing.T) {
	for _, when := range []string{"before from is read", "before to is read"} {
		t.Run(when, func(t *testing.T) {
			s := newPair()
			rec := stored(t, s.from)
			moveIt := func() { moves(t, s.open(t, move), rec.ID) }
			from, to := listing{store: s.from}, listing{store: s.to}
			if when == "before from is read" {
				from.before = moveIt
			} else {
				to.before = moveIt
			}
			if got := listed(t, open(t, from, to, prepare)); got[rec.ID] == nil || !same(got[rec.ID], rec) {
				t.Errorf("List yields %v, want the record", got)
			}
		})
	}
}

// A failure of either store ends the iteration.
func TestListFails(t *testing.T) {
	s := newPair()
	stored(t, s.from)
	for name, p := range map[string]*migrate.Provider{
		"old store": open(t, s.from.Store, s.to, move), // storetest.Store is no Lister
		"new store": open(t, s.from, s.to.Store, move),
	} {
		var last error
		for _, err := range p.List(t.Context(), "") {
			if last != nil {
				t.Errorf("%s: List goes on after an error", name)
			}
			last = err
		}
		if !errors.Is(last, errors.ErrUnsupported) {
			t.Errorf("%s: got error %v, want ErrUnsupported", name, last)
		}
	}
}
