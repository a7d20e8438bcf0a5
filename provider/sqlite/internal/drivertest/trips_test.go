package drivertest

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// verbs are calls with all of their outcomes, and the statements that each takes.
var verbs = []struct {
	name       string
	statements int
	do         func(t *testing.T, p provider.Provider)
}{
	{"Fetch", 1, func(t *testing.T, p provider.Provider) { storetest.WantRecord(t, p, stored) }},
	{"Fetch of a missing record", 1, func(t *testing.T, p provider.Provider) { storetest.WantNoRecord(t, p, "missing") }},
	{"Save that creates", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, storetest.NewRecord(), 0, nil) }},
	{"Save that replaces", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, stored, stored.Version, nil) }},
	{"Save without a check", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, stored, -1, nil) }},
	{"Save of an earlier attempt", 2, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, stored, 7, nil) }},
	{"Save that conflicts", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.Next(stored), 7, provider.ErrVersionConflict)
	}},
	{"Save of what exists", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.Next(stored), 0, provider.ErrVersionConflict)
	}},
	{"Save of what is missing", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.NewRecord(), 7, provider.ErrVersionConflict)
	}},
	{"Delete", 1, func(t *testing.T, p provider.Provider) {
		if err := p.Delete(t.Context(), "missing"); err != nil {
			t.Error(err)
		}
	}},
	{"List", 1, func(t *testing.T, p provider.Provider) { lists(t, p, stored.ID, stored.ID) }},
}

var stored = storetest.NewRecord()

// Only a Save that does not land takes a second statement, and no call begins a
// transaction.
func TestTrips(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for _, verb := range verbs {
			t.Run(verb.name, func(t *testing.T) {
				beside, _, path := b.store(t)
				storetest.Save(t, beside, stored, 0, nil)
				var wire tap
				p := sqlite.New(wire.open(t, b, path, writing...))
				verb.do(t, p) // looks up the file
				for range 2 {
					wire.statements("")
					verb.do(t, p)
					if ran := wire.statements(""); len(ran) != verb.statements {
						t.Errorf("%d statements, want %d: %q", len(ran), verb.statements, ran)
					}
				}
			})
		}
	})
}

// Reads are made by the connections for reading.
func TestReader(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		var writes, reads tap
		p := sqlite.New(writes.open(t, b, path, writing...), sqlite.Reader(reads.open(t, b, path, "query_only(1)")))
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
		lists(t, p, "", rec.ID)
		storetest.Save(t, p, storetest.Next(rec), 7, provider.ErrVersionConflict)
		if _, err := p.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		if ran := writes.statements("\nSELECT"); len(ran) > 0 {
			t.Errorf("the connections for writing ran %q", ran)
		}
		if ran := reads.statements("\nSELECT"); len(ran) < 4 {
			t.Errorf("the connections for reading ran %q only", ran)
		}
	})
}
