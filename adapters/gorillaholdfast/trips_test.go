package gorillaholdfast_test

import (
	"testing"
	"time"
)

func TestTrips(t *testing.T) {
	b := newWorld(t).browser()
	b.set("warm", 1) // reads and stores the ring of keys
	b = b.w.browser()
	counts := func(what string, fetches, saves int64, do func()) {
		t.Helper()
		f, s, d := b.w.trips.Fetches.Load(), b.w.trips.Saves.Load(), b.w.trips.Deletes.Load()
		do()
		if gotF, gotS := b.w.trips.Fetches.Load()-f, b.w.trips.Saves.Load()-s; gotF != fetches || gotS != saves || b.w.trips.Deletes.Load() != d {
			t.Errorf("%s: %d fetches and %d saves, want %d and %d", what, gotF, gotS, fetches, saves)
		}
	}
	var v *visit
	counts("Get without a cookie", 0, 0, func() { v = b.visit() })
	counts("Save of an empty session", 0, 0, func() { v.mustSave() })
	counts("Save of a new session", 0, 1, func() { v.Values["a"] = 1; v.AddFlash("b"); v.mustSave() })
	counts("Get", 1, 0, func() { v = b.visit() })
	counts("a second Get", 0, 0, func() { b.w.Get(v.r, name) })
	counts("Save without a change", 0, 0, func() { v.mustSave() })
	counts("Save", 0, 1, func() { v.Values["a"] = 2; v.Flashes(); v.mustSave() })
	counts("Save again", 0, 1, func() { v.Values["c"] = 2; v.mustSave() })
	other := b.visit()
	counts("Save of the first of two requests", 0, 1, func() { v.Values["d"] = 1; v.mustSave() })
	counts("Save that is merged", 0, 2, func() { other.Values["e"] = 1; other.mustSave() })
	v = b.visit()
	counts("Save with other Options", 0, 1, func() { v.Options.MaxAge = 100; v.mustSave() })
	v = b.visit()
	counts("Save that renews", 0, 2, func() { v.ID = ""; v.mustSave() })
	v = b.visit()
	counts("Save that ends", 0, 1, func() { v.Options.MaxAge = -1; v.mustSave() })
	counts("Get without a cookie afterwards", 0, 0, func() { b.visit() })
}

func TestTripsOfABrowserSession(t *testing.T) {
	bubble("extends it once in TouchInterval", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.w.Options.MaxAge = 0
		b.set("a", 1)
		for _, tc := range []struct {
			wait  time.Duration
			saves int64
		}{{time.Minute, 0}, {6 * time.Minute, 1}, {time.Minute, 0}} {
			time.Sleep(tc.wait)
			saves := b.w.trips.Saves.Load()
			b.visit()
			want(t, "saves", b.w.trips.Saves.Load()-saves, tc.saves)
		}
	})
}
