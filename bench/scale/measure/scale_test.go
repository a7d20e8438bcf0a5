package measure_test

import (
	"maps"
	"slices"
	"testing"
)

// TestScale measures each store, and checks that every figure is there and possible.
func TestScale(t *testing.T) {
	if *program == "" {
		*program = buildTool(t)
	}
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			r := newResults(t, s.name)
			measure(t, r, s.start(t), *s.count)
			checkFigures(t, r)
		})
	}
}

const smallSessions = 1000

func measure(t *testing.T, r *results, s *store, sessions int) {
	create(t, s.large)
	create(t, s.small)
	empty := s.mustSizes(t)
	r.begin("filling", 1)
	f := s.fill(t, s.large, sessions)
	noteFill(r, f)
	noteSizes(r, f, empty, s.mustSizes(t))
	beside := s.fill(t, s.small, smallSessions)
	large, small := openSite(t, s.large, f.cookies), openSite(t, s.small, beside.cookies)
	measureGrowth(t, r, large, small)

	measureJob(t, r, "list", large, func() (figures, error) { return listAll(f) })
	measureAdmin(t, r, large)
	measureJob(t, r, "copy", large, func() (figures, error) { return copyAll(f, t.TempDir()) })
	measureJob(t, r, "own-backup", large, func() (figures, error) { return s.ownBackup(t, f) })
	measureExpiry(t, r, s, large, f)
	r.begin("RevokeAll", 1)
	measureRevoke(t, r, "small", small, smallSessions)
	measureRevoke(t, r, "large", large, f.sessions)
	for _, k := range s.kills {
		measureKill(t, r, k, large)
	}
}

func (s *store) mustSizes(t *testing.T) map[string]int64 {
	t.Helper()
	sizes, err := s.sizes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

func noteFill(r *results, f *filled) {
	r.note("Fill", "", figures{
		"sec":            f.took.Seconds(),
		"sessions":       float64(f.sessions),
		"expiring":       float64(len(f.expiring)),
		"records":        float64(f.records),
		"data-B/session": f.data,
	})
}

// noteSizes notes by how much the parts of the store have grown for each session, with its
// share of the owners' indexes.
func noteSizes(r *results, f *filled, before, after map[string]int64) {
	for _, part := range slices.Sorted(maps.Keys(after)) {
		grown := float64(after[part] - before[part])
		r.note("Size", "/part="+part, figures{
			"B":         grown,
			"B/session": grown / float64(f.sessions+len(f.expiring)),
		})
	}
}

func (s *store) ownBackup(t *testing.T, f *filled) (figures, error) {
	size, err := s.backup.run(t.Context(), t.TempDir())
	return figures{"B/session": float64(size) / float64(f.sessions)}, err
}

// measureExpiry lets the store remove the sessions that have expired, or that do so now.
func measureExpiry(t *testing.T, r *results, s *store, large *site, f *filled) {
	t.Helper()
	if s.expire == nil {
		measureJob(t, r, "purge", large, func() (figures, error) { return purgeAll(f) })
		return
	}
	at, gone, err := s.expire(t.Context(), f.expiring)
	if err != nil {
		t.Fatal(err)
	}
	var removed int64 // so far
	remove := func() (figures, error) {
		before := removed
		var err error
		removed, err = gone()
		return figures{"expired": float64(int64(len(f.expiring)) - before), "rows": float64(removed - before)}, err
	}
	measureJobAt(t, r, "expiry", large, at, remove)
	if err := s.hasten(t.Context()); err != nil {
		t.Fatal(err)
	}
	measureJob(t, r, "hastened-expiry", large, remove)
}
