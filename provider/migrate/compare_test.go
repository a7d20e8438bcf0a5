package migrate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func compare(tb testing.TB, p *migrate.Provider) migrate.Comparison {
	tb.Helper()
	c, err := p.Compare(context.Background(), migrate.CompareOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	c.Bytes, c.Largest, c.LargestMarker = 0, 0, 0
	return c
}

// Each ID of the old store is counted by what the new one has.
func TestCompareCounts(t *testing.T) {
	left := func(c migrate.Comparison) migrate.Comparison { c.Left = 1; return c }
	ended := migrate.Comparison{Ended: 1, Status: migrate.Status{Marked: 1}}
	for name, tc := range map[string]struct {
		arrange func(*testing.T, *pair)
		want    migrate.Comparison
	}{
		"nothing": {func(*testing.T, *pair) {}, migrate.Comparison{}},
		"a record of the old store": {func(t *testing.T, s *pair) {
			stored(t, s.from)
		}, left(migrate.Comparison{Missing: 1})},
		"a copy": {func(t *testing.T, s *pair) {
			save(t, s.to, stored(t, s.from), 0)
		}, left(migrate.Comparison{Same: 1})},
		"another version": {func(t *testing.T, s *pair) {
			save(t, s.to, successor(stored(t, s.from)), 0)
		}, left(migrate.Comparison{Differ: 1})},
		"other data of the same version": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			rec.Data = []byte("other")
			save(t, s.to, rec, 0)
		}, left(migrate.Comparison{Differ: 1})},
		"another expiry of the same version": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			rec.ExpiresAt = rec.ExpiresAt.Add(time.Second)
			save(t, s.to, rec, 0)
		}, left(migrate.Comparison{Differ: 1})},
		"another format of the same version": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			rec.Format = "other"
			save(t, s.to, rec, 0)
		}, left(migrate.Comparison{Differ: 1})},
		"a record that has no version": {func(t *testing.T, s *pair) {
			rec := newRecord()
			rec.Version = 0
			save(t, s.from, rec, -1)
		}, left(migrate.Comparison{Missing: 1, Unversioned: 1})},
		"a move that was interrupted": {func(t *testing.T, s *pair) {
			interrupted(t, s)
		}, left(migrate.Comparison{Moving: 1})},
		"a damaged marker": {func(t *testing.T, s *pair) {
			save(t, s.from, &provider.Record{ID: "x", Version: 1, Format: "holdfast-migrate/moving x"}, 0)
		}, left(migrate.Comparison{Damaged: 1})},
		"a record that was moved": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			moveOne(t, s, rec.ID)
		}, migrate.Comparison{Status: migrate.Status{Marked: 1}}},
		"a record that was changed after it was moved": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			moveOne(t, s, rec.ID)
			save(t, s.to, successor(rec), rec.Version)
		}, migrate.Comparison{Status: migrate.Status{Marked: 1}}},
		"a record that was deleted after it was moved": {func(t *testing.T, s *pair) {
			rec := stored(t, s.from)
			moveOne(t, s, rec.ID)
			if err := s.to.Delete(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
		}, ended},
		"a record of the new store alone": {func(t *testing.T, s *pair) {
			stored(t, s.to)
		}, migrate.Comparison{}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opts := range []migrate.Options{prepare, move} {
				s := newPair()
				tc.arrange(t, s)
				if got := compare(t, s.open(t, opts)); got != tc.want {
					t.Errorf("got %+v, want %+v", got, tc.want)
				}
			}
		})
	}
}

func moveOne(t *testing.T, s *pair, id string) {
	t.Helper()
	if err := s.open(t, move).Move(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// interrupted stores a record whose move ends after it is frozen.
func interrupted(t *testing.T, s *pair) {
	t.Helper()
	rec := stored(t, s.from)
	ctx, cancel := context.WithCancel(t.Context())
	p := open(t, s.from, cancelled{s.to, cancel}, move)
	p.SkipProbe()
	if err := p.Move(ctx, rec.ID); err == nil {
		t.Fatal("the move was not interrupted")
	}
}

// cancelled ends the context at the Save that places a record over its reservation.
type cancelled struct {
	provider.Provider
	cancel func()
}

func (c cancelled) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if expectVersion > 0 {
		c.cancel()
	}
	return c.Provider.Save(ctx, rec, expectVersion)
}

// A record that is moved while the new store is read is not reported as missing.
func TestCompareLooksAgain(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	once := &first{Provider: s.to, do: func() { moveOne(t, s, rec.ID) }}
	if got := compare(t, open(t, s.from, once, move)); got != (migrate.Comparison{Status: migrate.Status{Marked: 1}}) {
		t.Errorf("got %+v, want one that is marked", got)
	}
}

// first does something after the first Fetch has read.
type first struct {
	provider.Provider
	do func()
}

func (f *first) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := f.Provider.Fetch(ctx, id)
	if do := f.do; do != nil {
		f.do = nil
		do()
	}
	return rec, err
}

func TestCompareTellsSizes(t *testing.T) {
	s := newPair()
	for _, n := range []int{10, 1000, 100} {
		rec := newRecord()
		rec.Format, rec.Data = "f", make([]byte, n-1)
		save(t, s.from, rec, 0)
	}
	calls := 0
	opts := migrate.CompareOptions{Progress: func(migrate.Comparison) { calls++ }, MaxSize: 99}
	c, err := s.open(t, move).Compare(t.Context(), opts)
	if err != nil || c.Bytes != 1110 || c.Largest != 1000 || c.Larger != 2 || calls != 3 {
		t.Errorf("got %+v, error %v and %d calls of Progress, want 1110 bytes, the largest 1000, 2 over 99, 3 calls", c, err, calls)
	}
	opts.MaxSize = 100
	if c, err = s.open(t, move).Compare(t.Context(), opts); err != nil || c.Larger != 1 {
		t.Errorf("got %+v and error %v, want 1 over 100", c, err)
	}
}

func TestCompareFails(t *testing.T) {
	broken := errors.New("broken")
	for name, fail := range map[string]func(*pair) *migrate.Provider{
		"the new store": func(s *pair) *migrate.Provider { return open(t, s.from, failing{s.to, broken}, move) },
		"the old store": func(s *pair) *migrate.Provider { return open(t, struct{ provider.Provider }{s.from}, s.to, move) },
	} {
		s := newPair()
		fill(t, s.from, 100)
		if _, err := fail(s).Compare(t.Context(), migrate.CompareOptions{Parallel: 2}); !errors.Is(err, broken) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newPair().open(t, move).Compare(ctx, migrate.CompareOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

type failing struct {
	provider.Provider
	err error
}

func (f failing) Fetch(context.Context, string) (*provider.Record, error) { return nil, f.err }

// Probe tells whether the new store takes records of a size, and leaves nothing there.
func TestProbe(t *testing.T) {
	from, to := memory.New(), memory.New(memory.MaxBytes(10_000))
	p := open(t, from, to, move)
	if err := p.Probe(t.Context(), 1000); err != nil {
		t.Error(err)
	}
	if err := p.Probe(t.Context(), 1<<20); err == nil {
		t.Error("a record that is too large is accepted")
	}
	if err := open(t, from, alias{from}, move).Probe(t.Context(), 0); err == nil {
		t.Error("one store for both is accepted")
	}
	if err := open(t, from, to, prepare).Probe(t.Context(), 0); err == nil {
		t.Error("the phase Prepare is accepted")
	}
	for _, s := range []*memory.Provider{from, to} {
		for rec := range s.List(t.Context(), "") {
			t.Errorf("left: %+v", rec)
		}
	}
}

func TestMoveAllCountsChanges(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	// The record changes after the listing has read it, at the reservation for it.
	to := &onReserve{Provider: s.to, do: func() { save(t, s.from, successor(rec), rec.Version) }}
	p := open(t, s.from, to, move)
	p.SkipProbe()
	report, err := p.MoveAll(t.Context(), migrate.MoveOptions{})
	if want := (migrate.Report{Moved: 1, Changed: 1, Pass: 2}); err != nil || report != want {
		t.Errorf("got %+v and error %v, want %+v", report, err, want)
	}
}

type onReserve struct {
	provider.Provider
	do func()
}

func (o *onReserve) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if do := o.do; do != nil {
		o.do = nil
		do()
	}
	return o.Provider.Save(ctx, rec, expectVersion)
}
