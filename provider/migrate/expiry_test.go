package migrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// ahead is a store whose clock is ahead by some time, or behind if that is negative.
type ahead struct {
	provider.Provider
	by time.Duration
}

func (a ahead) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := a.Provider.Fetch(ctx, id)
	if err == nil && !rec.ExpiresAt.IsZero() {
		rec.ExpiresAt = rec.ExpiresAt.Add(a.by)
	}
	return rec, err
}

func (a ahead) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	rec = rec.Clone()
	if !rec.ExpiresAt.IsZero() {
		rec.ExpiresAt = rec.ExpiresAt.Add(-a.by)
	}
	return a.Provider.Save(ctx, rec, expectVersion)
}

// A record that is moved expires when it would have, also in the middle of a move.
func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		name  string
		moved func(*testing.T, *pair, string)
	}{
		{"not moved", func(*testing.T, *pair, string) {}},
		{"being moved", leaveMoving},
		{"moved", func(t *testing.T, s *pair, id string) { moves(t, s.open(t, move), id) }},
	} {
		for _, opts := range []migrate.Options{prepare, move} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newPair()
					rec := stored(t, s.from)
					c.moved(t, s, rec.ID)
					time.Sleep(time.Hour - time.Millisecond)
					p := s.open(t, opts)
					holds(t, p, rec)
					time.Sleep(time.Millisecond)
					lacks(t, p, rec.ID)
					lacks(t, s.open(t, opts), rec.ID)
					for got := range p.List(t.Context(), "") {
						t.Errorf("List yields %+v", got)
					}
				})
			})
		}
	}
}

// A record that is held in a marker expires as well.
func TestExpiryOfARecordWithoutAVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		rec := newRecord()
		rec.Version = 0
		p := s.open(t, prepare)
		save(t, p, rec, -1)
		holds(t, p, rec)
		time.Sleep(time.Hour)
		lacks(t, p, rec.ID)
		for got := range p.List(t.Context(), "") {
			t.Errorf("List yields %+v", got)
		}
	})
}

// A record that expires while it is being moved is gone for all instances, whatever the
// clock of the new store says, and one that is created in its place is moved in turn.
func TestExpiryInTheMiddleOfAMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		rec := stored(t, s.from)
		leaveMoving(t, s, rec.ID)
		time.Sleep(2 * time.Hour)
		next := successor(rec)
		next.ExpiresAt = time.Now().Add(time.Hour)
		save(t, s.open(t, prepare), next, 0)
		holds(t, s.open(t, move), next)
		holds(t, s.to, next)
	})
}

// From the freeze on the clock of the new store decides alone: with two clocks, a record
// could be found again after it had not been.
func TestExpiryIsByOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		s.to.Provider = ahead{memory.New(), -time.Minute}
		rec := stored(t, s.from)
		leaveMoving(t, s, rec.ID)
		time.Sleep(time.Hour + 30*time.Second)
		if _, err := s.from.Fetch(t.Context(), rec.ID); err != nil {
			t.Errorf("the marker: %v", err)
		}
		for _, opts := range []migrate.Options{prepare, move, prepare} {
			holds(t, s.open(t, opts), rec)
		}
		time.Sleep(30 * time.Second)
		lacks(t, s.open(t, prepare), rec.ID)
	})
}

// A marker is known as long as the migration lasts.
func TestMarkersDoNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		rec := stored(t, s.from)
		moves(t, s.open(t, move), rec.ID)
		created := stored(t, s.open(t, move))
		time.Sleep(2 * 24 * time.Hour)
		for _, id := range []string{rec.ID, created.ID} {
			marker, err := s.from.Fetch(t.Context(), id)
			if err != nil || !migrate.IsMoved(marker.Format) || !marker.ExpiresAt.IsZero() || len(marker.Data) > 0 {
				t.Errorf("got %+v and error %v, want an empty marker that does not expire", marker, err)
			}
		}
	})
}

// A reservation that was left behind is no record, and is gone soon.
func TestReservationExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPair()
		rec := leaveReservation(t, s)
		if _, err := s.to.Fetch(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(migrate.ReservationTime)
		lacks(t, s.to, rec.ID)
	})
}

// leaveReservation moves a record, deletes it, and has the reservation of another move
// arrive late.
func leaveReservation(t *testing.T, s *pair) *provider.Record {
	t.Helper()
	rec := stored(t, s.from)
	other := newPair()
	other.from.Provider, other.to.Provider = s.from.Provider, s.to.Provider
	fails(other.from, 2, errDown)
	p := other.open(t, move)
	p.SkipProbe()
	if err := p.Move(t.Context(), rec.ID); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	late, err := s.to.Fetch(t.Context(), rec.ID)
	if err != nil || !migrate.IsReservation(late.Format) {
		t.Fatalf("got %v and error %v, want a reservation", late, err)
	}
	q := s.open(t, move)
	moves(t, q, rec.ID)
	if err := q.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	save(t, s.to, late, 0)
	return rec
}

func TestReservationIsNoRecord(t *testing.T) {
	for _, opts := range []migrate.Options{prepare, move} {
		s := newPair()
		rec := leaveReservation(t, s)
		p := s.open(t, opts)
		lacks(t, p, rec.ID)
		for got := range p.List(t.Context(), "") {
			t.Errorf("List yields %+v", got)
		}
		conflict, ok := errors.AsType[*provider.ConflictError](p.Save(t.Context(), successor(rec), rec.Version))
		if !ok || conflict.Current != nil {
			t.Errorf("an update: got %v, want a conflict with no record", conflict)
		}
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
	s := newPair()
	rec := leaveReservation(t, s)
	save(t, s.open(t, move), rec, 0)
	holds(t, s.to, rec)
	s = newPair()
	rec = leaveReservation(t, s)
	save(t, s.open(t, move), rec, -1)
	holds(t, s.to, rec)
}

// A clock that is far ahead is found out before a record is frozen.
func TestMoveRefusesAClockThatIsAhead(t *testing.T) {
	s := newPair()
	s.to.Provider = ahead{memory.New(), migrate.ReservationTime + time.Second}
	rec := stored(t, s.from)
	p := s.open(t, move)
	for name, err := range map[string]error{"Move": p.Move(t.Context(), rec.ID), "MoveAll": moveAll(p)} {
		if err == nil || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%s: got error %v, want one about the clocks", name, err)
		}
	}
	holds(t, s.from, rec)
}
