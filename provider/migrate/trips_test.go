package migrate_test

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// These are the numbers of calls of each store that the package documentation states.
func TestTrips(t *testing.T) {
	const first = 1 << 40 // the version of a record that is stored
	fetch := func(p provider.Provider, rec *provider.Record) error {
		_, err := p.Fetch(t.Context(), rec.ID)
		return err
	}
	save := func(expect int64) func(provider.Provider, *provider.Record) error {
		return func(p provider.Provider, rec *provider.Record) error {
			return p.Save(t.Context(), successor(rec), expect)
		}
	}
	remove := func(p provider.Provider, rec *provider.Record) error { return p.Delete(t.Context(), rec.ID) }
	moveOne := func(p provider.Provider, rec *provider.Record) error {
		return p.(*migrate.Provider).Move(t.Context(), rec.ID)
	}
	for _, c := range []struct {
		name     string
		opts     migrate.Options
		where    string
		do       func(provider.Provider, *provider.Record) error
		from, to int64
	}{
		{"Prepare, Fetch", prepare, "from", fetch, 1, 0},
		{"Prepare, Fetch of none", prepare, "", fetch, 1, 0},
		{"Prepare, Save", prepare, "from", save(first), 1, 0},
		{"Prepare, Save of a new record", prepare, "", save(0), 1, 0},
		{"Prepare, Save that conflicts", prepare, "from", save(7), 1, 0},
		{"Prepare, Save without a version", prepare, "from", save(-1), 2, 0},
		{"Prepare, Delete", prepare, "from", remove, 2, 0},
		{"Prepare, Delete of none", prepare, "", remove, 1, 0},
		{"Prepare, Fetch of a moved record", prepare, "to", fetch, 1, 1},
		{"Prepare, Save over a moved record", prepare, "to", save(first), 1, 1},
		{"Prepare, Fetch of a record known to be moved", prepare, "known", fetch, 0, 1},

		{"Move, Fetch", move, "from", fetch, 1, 0},
		{"Move, Fetch of none", move, "", fetch, 1, 1},
		{"Move, Save", move, "from", save(first), 1, 0},
		{"Move, Save of a new record", move, "", save(0), 1, 1},
		{"Move, Save over none", move, "", save(first), 1, 1},
		{"Move, Save without a version", move, "from", save(-1), 2, 0},
		{"Move, Delete", move, "from", remove, 2, 0},
		{"Move, Delete of none", move, "", remove, 1, 1},
		{"Move, Fetch of a moved record", move, "to", fetch, 1, 1},
		{"Move, Save over a moved record", move, "to", save(first), 1, 1},
		{"Move, Delete of a moved record", move, "to", remove, 1, 1},
		{"Move, Fetch of a record known to be moved", move, "known", fetch, 0, 1},
		{"Move, Save over a record known to be moved", move, "known", save(first), 0, 1},
		{"Move, Delete of a record known to be moved", move, "known", remove, 0, 1},

		{"Move of a record that was copied", move, "copied", moveOne, 3, 2},
		{"Move", move, "from", moveOne, 3, 2}, // of which MoveAll spares the first, a Fetch
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newPair()
			rec := newRecord()
			rec.Version = first
			p := s.open(t, c.opts)
			p.SkipProbe()
			if c.where != "" {
				if err := s.from.Save(t.Context(), rec, 0); err != nil {
					t.Fatal(err)
				}
			}
			if c.where == "to" || c.where == "known" {
				moves(t, s.open(t, move), rec.ID)
			}
			if c.where == "copied" {
				if err := s.to.Save(t.Context(), rec, 0); err != nil {
					t.Fatal(err)
				}
			}
			if c.where == "known" {
				holds(t, p, rec)
			}
			from, to := s.from.Trips(), s.to.Trips()
			if err := c.do(p, rec); err != nil && !errors.Is(err, provider.ErrNotFound) && !errors.Is(err, provider.ErrVersionConflict) {
				t.Fatal(err)
			}
			if from, to = s.from.Trips()-from, s.to.Trips()-to; from != c.from || to != c.to {
				t.Errorf("%d calls of the old store and %d of the new one, want %d and %d", from, to, c.from, c.to)
			}
		})
	}
}
