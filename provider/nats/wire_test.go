package nats_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
)

// Each message that a provider sends is a trip.
func TestTrips(t *testing.T) {
	kept, gone := storetest.NewRecord(), storetest.NewRecord()
	for _, method := range []struct {
		name  string
		trips uint64
		do    func(t *testing.T, p provider.Provider)
	}{
		{"Fetch", 1, func(t *testing.T, p provider.Provider) { storetest.WantRecord(t, p, kept) }},
		{"Fetch of a missing record", 1, func(t *testing.T, p provider.Provider) { storetest.WantNoRecord(t, p, "missing") }},
		{"Save that creates", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, storetest.NewRecord(), 0, nil) }},
		{"Save that replaces", 2, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, kept.Version, nil) }},
		{"Save without a check", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, -1, nil) }},
		{"Save of an earlier attempt", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, 7, nil) }},
		{"Save that conflicts", 1, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.Next(kept), 7, provider.ErrVersionConflict)
		}},
		{"Save of what exists", 2, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.Next(kept), 0, provider.ErrVersionConflict)
		}},
		{"Save of what is missing", 1, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.NewRecord(), 7, provider.ErrVersionConflict)
		}},
		{"Delete, and create over the marker", 4, func(t *testing.T, p provider.Provider) {
			if err := p.Delete(t.Context(), gone.ID); err != nil {
				t.Error(err)
			}
			storetest.Save(t, p, gone, 0, nil)
		}},
		{"List", 2 + 1, func(t *testing.T, p provider.Provider) {
			if ids, err := storetest.List(t.Context(), p, kept.ID); err != nil || !slices.Equal(ids, []string{kept.ID}) {
				t.Errorf("got %q, %v", ids, err)
			}
		}},
	} {
		t.Run(method.name, func(t *testing.T) {
			beside, _, bucket := store(t)
			storetest.Save(t, beside, kept, 0, nil)
			js := shared(t)
			p := nats.New(js, nats.Bucket(bucket))
			for range 3 {
				before := js.Conn().Stats().OutMsgs
				method.do(t, p)
				if got := js.Conn().Stats().OutMsgs - before; got != method.trips {
					t.Errorf("%d trips, want %d", got, method.trips)
				}
			}
		})
	}
}

// A record that is created by two at the same time after it was deleted is created once.
func TestCreateOverAMarkerOnce(t *testing.T) {
	p, _, _ := store(t)
	for range 20 {
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 4)
		for n := range cap(errs) {
			one := rec.Clone()
			one.Version = int64(n + 2)
			go func() { errs <- p.Save(t.Context(), one, 0) }()
		}
		created := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				created++
			} else if !errors.Is(err, provider.ErrVersionConflict) {
				t.Error(err)
			}
		}
		if created != 1 {
			t.Errorf("%d have created it, want 1", created)
		}
	}
}
