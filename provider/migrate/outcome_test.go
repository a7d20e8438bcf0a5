package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

var errDown = errors.New("connection reset")

// fails makes the nth call of a store, counted from 1, return an error. Stores in this
// package have no ID and no data in their errors, as the contract says.
func fails(s store, n int, with error) {
	count := 0
	hit := func() bool { count++; return count == n }
	s.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if hit() {
			return nil, with
		}
		return next(ctx, id)
	}
	s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if hit() {
			return with
		}
		return next(ctx, rec, expect)
	}
	s.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
		if hit() {
			return with
		}
		return next(ctx, id)
	}
}

// An error of a call that changes the record has its own outcome. After an error of any
// call before it, nothing was saved.
func TestOutcome(t *testing.T) {
	refused := fmt.Errorf("%w: no such table", provider.ErrRefused)
	type where int
	const (
		nowhere where = iota
		inFrom
		isMoving
		inTo
	)
	update := func(p provider.Provider, rec *provider.Record) error {
		return p.Save(t.Context(), successor(rec), rec.Version)
	}
	create := func(p provider.Provider, rec *provider.Record) error { return p.Save(t.Context(), rec, 0) }
	put := func(p provider.Provider, rec *provider.Record) error { return p.Save(t.Context(), successor(rec), -1) }
	remove := func(p provider.Provider, rec *provider.Record) error { return p.Delete(t.Context(), rec.ID) }
	for _, c := range []struct {
		name    string
		opts    migrate.Options
		where   where
		do      func(provider.Provider, *provider.Record) error
		fromNth int // the call that fails
		toNth   int
		unsaved bool // whether nothing was saved for certain
	}{
		{"update in from", move, inFrom, update, 1, 0, false},
		{"create in from", prepare, nowhere, create, 1, 0, false},
		{"marker of a create", move, nowhere, create, 1, 0, true},
		{"create in to", move, nowhere, create, 0, 1, false},
		{"look before a save without a version", move, inFrom, put, 1, 0, true},
		{"save without a version", move, inFrom, put, 2, 0, false},
		{"marker of a save without a version", move, nowhere, put, 2, 0, true},
		{"update of none, look into to", move, nowhere, update, 0, 1, true},
		{"update of a moved record", move, inTo, update, 0, 1, false},
		{"update of a record that is moved, reservation", move, isMoving, update, 0, 1, true},
		{"update of a record that is moved, look", move, isMoving, update, 2, 0, true},
		{"update of a record that is moved, placing", move, isMoving, update, 0, 2, true},
		{"update of a record that is moved, marker", move, isMoving, update, 3, 0, true},
		{"update of a record that is moved, save", move, isMoving, update, 0, 3, false},
		{"look before a delete", move, inFrom, remove, 1, 0, true},
		{"delete in from", move, inFrom, remove, 2, 0, false},
		{"delete of none, look into to", move, nowhere, remove, 0, 1, true},
		{"delete of a record that is moved, reservation", move, isMoving, remove, 0, 1, true},
		{"delete of a record that is moved", move, isMoving, remove, 0, 3, false},
		{"delete of a moved record", move, inTo, remove, 0, 1, false},
	} {
		for _, with := range []error{errDown, refused, context.DeadlineExceeded} {
			t.Run(fmt.Sprintf("%s: %v", c.name, with), func(t *testing.T) {
				s := newPair()
				rec := newRecord()
				if c.where != nowhere {
					save(t, s.from, rec, 0)
				}
				switch c.where {
				case isMoving:
					leaveMoving(t, s, rec.ID)
				case inTo:
					moves(t, s.open(t, move), rec.ID)
				}
				fails(s.from, c.fromNth, with)
				fails(s.to, c.toNth, with)
				err := c.do(s.open(t, c.opts), rec)
				if !errors.Is(err, with) {
					t.Fatalf("got error %v, want %v", err, with)
				}
				if got, want := errors.Is(err, provider.ErrNotSaved), c.unsaved || with == refused; got != want {
					t.Errorf("got error %v, which is ErrNotSaved: %v, want %v", err, got, want)
				}
				if got := errors.Is(err, provider.ErrRefused); got != (with == refused) {
					t.Errorf("got error %v, which is ErrRefused: %v", err, got)
				}
				if errors.Is(err, provider.ErrVersionConflict) || errors.Is(err, provider.ErrNotFound) {
					t.Errorf("got error %v, which says what nobody knows", err)
				}
				store := "old store"
				if c.toNth > 0 {
					store = "new store"
				}
				if text := err.Error(); !strings.HasPrefix(text, "migrate: "+store+": ") || strings.Contains(text, rec.ID) || strings.Contains(text, string(rec.Data)) {
					t.Errorf("got error %q, want one that begins with the package and the store, without ID and data", text)
				}
			})
		}
	}
}

// leaveMoving moves a record up to the marker that contains it.
func leaveMoving(t *testing.T, s *pair, id string) {
	t.Helper()
	frozen := newPair()
	frozen.from.Provider, frozen.to.Provider = s.from.Provider, s.to.Provider
	p := frozen.open(t, move)
	p.SkipProbe()
	fails(frozen.to, 2, errDown) // the reservation is the first
	if err := p.Move(t.Context(), id); !errors.Is(err, errDown) {
		t.Fatalf("Move: got error %v, want %v", err, errDown)
	}
	if err := s.to.Provider.Delete(t.Context(), id); err != nil { // and the reservation is gone
		t.Fatal(err)
	}
}

// Whichever call of a Move fails, another Move completes it, and nothing is lost.
func TestMoveIsResumed(t *testing.T) {
	for _, which := range []string{"from", "to"} {
		for n := 1; n <= 3; n++ {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("call %d of %s, lost: %v", n, which, lost), func(t *testing.T) {
					s := newPair()
					rec := stored(t, s.from)
					p := s.open(t, move)
					p.SkipProbe()
					failing := s.from
					if which == "to" {
						failing = s.to
					}
					fails(failing, n, errDown)
					if lost {
						loses(failing, n)
					}
					err := p.Move(t.Context(), rec.ID)
					if err != nil && !errors.Is(err, errDown) {
						t.Errorf("got error %v, want %v", err, errDown)
					}
					fails(failing, 0, nil)
					for _, opts := range []migrate.Options{prepare, move} {
						holds(t, s.open(t, opts), rec)
					}
					again := s.open(t, move)
					moves(t, again, rec.ID)
					holds(t, s.to, rec)
					next := successor(rec)
					save(t, again, next, rec.Version)
					holds(t, s.to, next)
				})
			}
		}
	}
}

// A Save that is repeated finds its earlier attempt, whoever has made it.
func TestRepeatedSave(t *testing.T) {
	for _, bare := range []bool{false, true} {
		s := newPair()
		if bare {
			hideConflicts(s.from)
			hideConflicts(s.to)
		}
		rec := stored(t, s.open(t, prepare))
		save(t, s.open(t, move), rec, 0)
		moves(t, s.open(t, move), rec.ID)
		save(t, s.open(t, move), rec, 0)
		save(t, s.open(t, prepare), rec, 0)
	}
}

// hideConflicts makes a store one whose conflicts do not include the record.
func hideConflicts(s store) {
	s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		err := next(ctx, rec, expect)
		if errors.Is(err, provider.ErrVersionConflict) {
			return provider.ErrVersionConflict
		}
		return err
	}
}

// The earlier attempt may arrive right after the store's answer to the later one.
func TestRepeatedSaveIsOvertakenByItsFirstAttempt(t *testing.T) {
	for _, where := range []string{"old store", "new store"} {
		t.Run(where, func(t *testing.T) {
			s := newPair()
			rec := stored(t, s.from)
			at := s.from
			if where == "new store" {
				moves(t, s.open(t, move), rec.ID)
				at = s.to
			}
			next := successor(rec)
			at.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, save storetest.SaveFunc) error {
				if err := save(ctx, rec, expect); err != nil {
					return err
				}
				return provider.ErrVersionConflict
			}
			save(t, s.open(t, move), next, rec.Version)
		})
	}
}

// loses makes the nth call of a store have its effect and return an error.
func loses(s store, n int) {
	count := 0
	s.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		count++
		return next(ctx, id)
	}
	s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		count++
		err := next(ctx, rec, expect)
		if count == n {
			return errDown
		}
		return err
	}
	s.OnDelete = nil
}
