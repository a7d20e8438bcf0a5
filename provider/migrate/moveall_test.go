package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// fill stores n records.
func fill(t *testing.T, p provider.Provider, n int) (recs []*provider.Record) {
	t.Helper()
	for range n {
		recs = append(recs, stored(t, p))
	}
	return recs
}

func TestMoveAllMovesEveryRecord(t *testing.T) {
	s := newPair()
	recs := fill(t, s.from, 1000)
	created := fill(t, s.open(t, move), 10)
	p := s.open(t, move)
	if st, err := p.Status(t.Context()); err != nil || st != (migrate.Status{Left: 1000, Marked: 10}) || st.Complete() {
		t.Errorf("before: got %+v and error %v, want 1000 left and 10 marked", st, err)
	}
	var last migrate.Report
	report, err := p.MoveAll(t.Context(), migrate.MoveOptions{Progress: func(r migrate.Report) {
		if r.Moved != last.Moved+1 {
			t.Errorf("progress: %d after %d", r.Moved, last.Moved)
		}
		last = r
	}})
	if err != nil || report != (migrate.Report{Moved: 1000, Pass: 2}) || last.Moved != 1000 {
		t.Errorf("got %+v and error %v, want 1000 moved and a second pass; the last progress was %+v", report, err, last)
	}
	if st, err := p.Status(t.Context()); err != nil || st != (migrate.Status{Marked: 1010}) || !st.Complete() {
		t.Errorf("after: got %+v and error %v, want 1010 marked", st, err)
	}
	for _, rec := range append(recs, created...) {
		holds(t, s.to, rec)
		holds(t, p, rec)
	}
}

// MoveAll may be called while others change the records, and others move them.
func TestMoveAllBesideWriters(t *testing.T) {
	s := newPair()
	recs := fill(t, s.from, 200)
	ctx, stop := context.WithCancel(t.Context())
	var group, started sync.WaitGroup
	started.Add(4)
	for w := range 4 {
		group.Go(func() {
			p := s.open(t, []migrate.Options{prepare, move}[w%2])
			for first := true; first || ctx.Err() == nil; first = false {
				for i := w; i < len(recs); i += 4 {
					next := successor(recs[i])
					if err := p.Save(context.Background(), next, recs[i].Version); err != nil {
						t.Errorf("Save: %v", err)
						return
					}
					recs[i] = next
				}
				if first {
					started.Done()
				}
			}
		})
	}
	started.Wait()
	var moved atomic.Int64
	var movers sync.WaitGroup
	for range 2 {
		movers.Go(func() {
			report, err := s.open(t, move).MoveAll(t.Context(), migrate.MoveOptions{Parallel: 4})
			if err != nil {
				t.Errorf("MoveAll: %+v, %v", report, err)
			}
			moved.Add(report.Moved)
		})
	}
	movers.Wait()
	stop()
	group.Wait()
	if n := moved.Load(); n == 0 || n > int64(len(recs)) { // writers finish some moves
		t.Errorf("%d records were moved, want up to %d", n, len(recs))
	}
	for _, rec := range recs {
		holds(t, s.to, rec)
	}
}

func TestMoveAllWorksOnSeveralRecordsAtATime(t *testing.T) {
	for _, c := range []struct{ parallel, want int }{{0, 8}, {1, 1}, {3, 3}, {-1, 8}} {
		t.Run(fmt.Sprint(c.parallel), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPair()
				fill(t, s.from, 50)
				var now, most atomic.Int64
				s.to.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
					n := now.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(time.Millisecond)
					now.Add(-1)
					return next(ctx, rec, expect)
				}
				if _, err := s.open(t, move).MoveAll(t.Context(), migrate.MoveOptions{Parallel: c.parallel}); err != nil {
					t.Fatal(err)
				}
				if got := most.Load(); got != int64(c.want) {
					t.Errorf("%d calls at a time, want %d", got, c.want)
				}
			})
		})
	}
}

// What cannot be moved stays as it is, and does not stop the others.
func TestMoveAllSaysWhatIsLeft(t *testing.T) {
	tooLarge := func(s store) {
		s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if len(rec.Data) > 1000 {
				return fmt.Errorf("test: %w", provider.ErrTooLarge)
			}
			return next(ctx, rec, expect)
		}
	}
	large := newRecord()
	large.Data = make([]byte, 1001)
	almost := newRecord()
	almost.Data = make([]byte, 990) // fits, and its marker does not
	unversioned := newRecord()
	unversioned.Version = 0
	held := newRecord()
	held.Version = -5
	both := newRecord()
	for _, c := range []struct {
		name  string
		rec   *provider.Record
		setUp func(*pair)
		want  migrate.Report
		err   error
		text  string
	}{
		{"too large for the new store", large, func(s *pair) { save(t, s.from, large, 0); tooLarge(s.to) }, migrate.Report{TooLarge: 1}, provider.ErrTooLarge, "1 too large for a store"},
		{"too large for the old store with the marker", almost, func(s *pair) { save(t, s.from, almost, 0); tooLarge(s.from) }, migrate.Report{TooLarge: 1}, provider.ErrTooLarge, "1 too large for a store"},
		{"in both stores", both, func(s *pair) { save(t, s.from, both, 0); save(t, s.to, successor(both), 0) }, migrate.Report{InBoth: 1}, migrate.ErrInBoth, "1 in both stores"},
		{"without a version, by the old store alone", unversioned, func(s *pair) { save(t, s.from, unversioned, -1) }, migrate.Report{Unversioned: 1}, migrate.ErrUnversioned, "1 without a positive version"},
		{"without a version, by an instance of the migration", held, func(s *pair) { save(t, s.open(t, prepare), held, -1) }, migrate.Report{Unversioned: 1}, migrate.ErrUnversioned, "1 without a positive version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPair()
				others := fill(t, s.from, 20)
				c.setUp(s)
				p := s.open(t, move)
				got, err := p.MoveAll(t.Context(), migrate.MoveOptions{})
				want := c.want
				want.Moved, want.Pass = 20, 2
				if got != want || got.Left() != 1 {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if !errors.Is(err, migrate.ErrLeft) || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), c.rec.ID) {
					t.Errorf("got error %v, want ErrLeft and %v, and that there is %q", err, c.err, c.text)
				}
				for _, opts := range []migrate.Options{prepare, move} {
					holds(t, s.open(t, opts), c.rec)
				}
				for _, rec := range others {
					holds(t, s.to, rec)
				}
				if st, err := p.Status(t.Context()); err != nil || st.Left != 1 {
					t.Errorf("got %+v and error %v, want 1 left", st, err)
				}
				if n, err := p.Clean(t.Context(), migrate.MoveOptions{}); n != 0 || !errors.Is(err, migrate.ErrLeft) {
					t.Errorf("Clean: got %d and error %v, want ErrLeft", n, err)
				}
			})
		})
	}
}

// A record that only raw calls can replace is not replaced, as that would not be safe.
func TestUnversionedRecordOfTheOldStore(t *testing.T) {
	s := newPair()
	rec := newRecord()
	rec.Version = 0
	save(t, s.from, rec, -1)
	p := s.open(t, move)
	for name, err := range map[string]error{
		"Save": p.Save(t.Context(), successor(rec), -1), "Delete": p.Delete(t.Context(), rec.ID), "Move": p.Move(t.Context(), rec.ID),
	} {
		if !errors.Is(err, migrate.ErrUnversioned) || name != "Move" && !errors.Is(err, provider.ErrRefused) {
			t.Errorf("%s: got error %v, want ErrUnversioned and ErrRefused", name, err)
		}
	}
	holds(t, p, rec)
}

// Records that are copied before the migration are not in the way.
func TestCopiedRecordIsMoved(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	save(t, s.to, rec, 0)
	if err := moveAll(s.open(t, move)); err != nil {
		t.Fatal(err)
	}
	holds(t, s.to, rec)
	lacksRecord(t, s.from, rec.ID)
}

// lacksRecord wants a store to have a marker only.
func lacksRecord(t *testing.T, s store, id string) {
	t.Helper()
	if rec, err := s.Provider.Fetch(t.Context(), id); err != nil || !migrate.IsMoved(rec.Format) {
		t.Errorf("got %+v and error %v, want a marker", rec, err)
	}
}

// A store that fails for a while does not stop MoveAll. One that stays away does.
func TestMoveAllTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		recs := fill(t, s.from, 20)
		up := time.Now().Add(1500 * time.Millisecond)
		p := s.open(t, move)
		p.SkipProbe()
		s.to.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if time.Now().Before(up) {
				return errDown
			}
			return next(ctx, rec, expect)
		}
		report, err := p.MoveAll(t.Context(), migrate.MoveOptions{})
		if err != nil || report.Moved != 20 || report.Failed != 0 {
			t.Errorf("got %+v and error %v, want 20 moved", report, err)
		}
		for _, rec := range recs {
			holds(t, s.to, rec)
		}

		fill(t, s.from, 3)
		up = time.Now().Add(time.Hour)
		report, err = p.MoveAll(t.Context(), migrate.MoveOptions{})
		if !errors.Is(err, errDown) || !errors.Is(err, migrate.ErrLeft) || report.Failed != 3 || report.Moved != 0 {
			t.Errorf("got %+v and error %v, want 3 failed and %v", report, err, errDown)
		}
	})
}

func TestMoveAllEndsWithItsContext(t *testing.T) {
	s := newPair()
	fill(t, s.from, 100)
	ctx, cancel := context.WithCancel(t.Context())
	report, err := s.open(t, move).MoveAll(ctx, migrate.MoveOptions{Parallel: 1, Progress: func(r migrate.Report) {
		if r.Moved == 10 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || report.Moved >= 100 || report.Moved < 10 {
		t.Errorf("got %+v and error %v, want some moved and %v", report, err, context.Canceled)
	}
	if report, err := s.open(t, move).MoveAll(ctx, migrate.MoveOptions{}); !errors.Is(err, context.Canceled) || report != (migrate.Report{}) {
		t.Errorf("with a context that has ended: got %+v and error %v", report, err)
	}
	rest, err := s.open(t, move).MoveAll(t.Context(), migrate.MoveOptions{})
	if err != nil || report.Moved+rest.Moved < 99 { // one may have been completed in the meantime
		t.Errorf("once more: got %+v and error %v, after %d", rest, err, report.Moved)
	}
}

func TestMoveAllRefusesToMoveInPrepare(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	p := s.open(t, prepare)
	for name, err := range map[string]error{"Move": p.Move(t.Context(), rec.ID), "MoveAll": moveAll(p)} {
		if err == nil || !strings.Contains(err.Error(), "the phase Prepare") {
			t.Errorf("%s: got error %v, want one about the phase", name, err)
		}
	}
	holds(t, s.from, rec)
}

// Without a List there is nothing to go by; Move is for those who know the IDs.
func TestMoveAllNeedsALister(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	p := open(t, s.from.Store, s.to, move) // storetest.Store is no Lister
	synctest.Test(t, func(t *testing.T) {
		if err := moveAll(open(t, s.from.Store, memory.New(), move)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got error %v, want ErrUnsupported", err)
		}
	})
	moves(t, p, rec.ID)
	holds(t, s.to, rec)
	moves(t, p, rec.ID)
	moves(t, p, "none of that ID")
}

// A record that grows between the reservation and the marker has room all the same.
func TestReservationGrowsWithTheRecord(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	next := successor(rec)
	next.Data = make([]byte, 5000)
	grown := false
	s.from.OnSave = func(ctx context.Context, marker *provider.Record, expect int64, save storetest.SaveFunc) error {
		if !grown {
			grown = true
			if err := save(ctx, next, rec.Version); err != nil {
				return err
			}
		}
		return save(ctx, marker, expect)
	}
	var reserved int
	s.to.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, save storetest.SaveFunc) error {
		if migrate.IsReservation(rec.Format) {
			err := save(ctx, rec, expect)
			if err == nil {
				reserved = len(rec.Data)
			}
			return err
		}
		if reserved < len(rec.Data)+len(rec.Format) {
			t.Errorf("%d bytes are placed over %d reserved ones", len(rec.Data)+len(rec.Format), reserved)
		}
		return save(ctx, rec, expect)
	}
	p := s.open(t, move)
	p.SkipProbe()
	moves(t, p, rec.ID)
	holds(t, s.to, next)
}

// The record of a known user that is being moved may use the reserve of the new store.
func TestFrozenRecordUsesTheReserve(t *testing.T) {
	s := newPair()
	rec := stored(t, s.from)
	leaveMoving(t, s, rec.ID)
	s.to.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if !provider.UsesReserve(ctx) {
			return fmt.Errorf("test: %w", provider.ErrFull)
		}
		return next(ctx, rec, expect)
	}
	holds(t, s.open(t, prepare), rec)
}

func TestClean(t *testing.T) {
	s := newPair()
	recs := fill(t, s.from, 30)
	p := s.open(t, move)
	if err := moveAll(p); err != nil {
		t.Fatal(err)
	}
	s.from.OnDelete = func(context.Context, string, storetest.DeleteFunc) error { return errDown }
	if n, err := p.Clean(t.Context(), migrate.MoveOptions{}); n != 0 || !errors.Is(err, errDown) {
		t.Errorf("got %d and error %v, want %v", n, err, errDown)
	}
	s.from.OnDelete = nil
	var last int64
	n, err := p.Clean(t.Context(), migrate.MoveOptions{Progress: func(r migrate.Report) { last = r.Moved }})
	if n != 30 || err != nil || last != 30 {
		t.Errorf("got %d and error %v, the last progress being %d; want 30", n, err, last)
	}
	if n := s.from.Provider.(*memory.Provider).Len(); n != 0 {
		t.Errorf("%d markers are left", n)
	}
	for _, rec := range recs {
		holds(t, s.to, rec)
		holds(t, s.open(t, move), rec)
	}
}

// Of two calls at a time, one counts a record that the other has finished meanwhile.
func TestTwoMoversCountARecordOnce(t *testing.T) {
	from, to := memory.New(), memory.New()
	save(t, from, newRecord(), 0)
	beside := open(t, from, to, move)
	var other migrate.Report
	slow := &storetest.Store{Provider: from, OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		err := next(ctx, rec, expect)
		if migrate.IsMoving(rec.Format) && other.Pass == 0 {
			var moveErr error
			if other, moveErr = beside.MoveAll(ctx, migrate.MoveOptions{}); moveErr != nil {
				t.Error(moveErr)
			}
		}
		return err
	}}
	report, err := open(t, struct {
		*storetest.Store
		provider.Lister
	}{slow, from}, to, move).MoveAll(t.Context(), migrate.MoveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Moved+other.Moved != 1 || report.Gone != 1 {
		t.Errorf("got %+v and %+v, want the record moved once", report, other)
	}
}
