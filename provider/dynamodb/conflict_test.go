package dynamodb_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// conflict wants a Save to end in a ConflictError, in one trip.
func (f *fixture) conflict(t *testing.T, rec *provider.Record, expectVersion int64) *provider.ConflictError {
	t.Helper()
	f.wire.reset()
	err := f.Save(t.Context(), rec, expectVersion)
	conflict, ok := errors.AsType[*provider.ConflictError](err)
	if !ok {
		t.Fatalf("Save: got %v, want a ConflictError", err)
	}
	if n := len(f.wire.operations()); n != 1 {
		t.Errorf("the conflict took %d trips", n)
	}
	return conflict
}

func TestConflictBringsTheRecord(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	expired := successor(rec)
	expired.ExpiresAt = time.Unix(1, 0)
	for _, c := range []struct {
		rule          string
		rec           *provider.Record
		expectVersion int64
	}{
		{"create", successor(rec), 0},
		{"update", successor(rec), newVersion()},
		{"an update that has expired", expired, newVersion()},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := f.conflict(t, c.rec, c.expectVersion).Current
			if got == nil || got.ID != rec.ID || got.Version != rec.Version || got.Format != rec.Format ||
				!got.ExpiresAt.Equal(rec.ExpiresAt) || !bytes.Equal(got.Data, rec.Data) {
				t.Errorf("got %v, want %v", got, rec)
			}
		})
	}
}

// A server may not know how to return the item, so without one nothing is said
// about what is stored.
func TestConflictWithoutAnItem(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	f.wire.set(withoutItem)
	f.bareConflict(t, successor(rec), newVersion())
	f.wire.reset()
	if err := f.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	f.bareConflict(t, successor(rec), rec.Version)
}

// A create without an item in the answer has met one, perhaps its own.
func TestCreateThatMeetsNoItem(t *testing.T) {
	f := newFixture(t)
	f.wire.set(withoutItem)
	err := f.Save(t.Context(), newRecord(), 0)
	discreet(t, err, "does not return the item")
	if errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got %v, want no verdict", err)
	}
}

var withoutItem = refusing(always, http.StatusBadRequest, "ConditionalCheckFailedException", "The conditional request failed")

// bareConflict wants a Save to end in a conflict that tells nothing more.
func (f *fixture) bareConflict(t *testing.T, rec *provider.Record, expectVersion int64) {
	t.Helper()
	err := f.Save(t.Context(), rec, expectVersion)
	if _, ok := errors.AsType[*provider.ConflictError](err); ok || !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got %v, want a bare ErrVersionConflict", err)
	}
}

// The answer to a Save is lost, and it is made again.
func TestOwnEarlierAttempt(t *testing.T) {
	f := newFixture(t)
	first := newRecord()
	second := successor(first)
	for _, c := range []struct {
		rule          string
		rec           *provider.Record
		expectVersion int64
	}{
		{"create", first, 0},
		{"update", second, first.Version},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f.wire.set(cutAfter)
			err := f.Save(t.Context(), c.rec, c.expectVersion)
			if err == nil || errors.Is(err, provider.ErrVersionConflict) {
				t.Fatalf("first attempt: got %v, want an unknown outcome", err)
			}
			f.wire.reset()
			if err := f.Save(t.Context(), c.rec, c.expectVersion); err != nil {
				t.Errorf("second attempt: %v", err)
			}
			f.carried(t, "PutItem")
			if got, err := f.Fetch(t.Context(), c.rec.ID); err != nil || got.Version != c.rec.Version {
				t.Errorf("Fetch: got %v, %v", got, err)
			}
		})
	}
}

// The expected version comes first: a Save whose version is also the one that it
// expects is an update.
func TestSameVersionIsAnUpdate(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	next := successor(rec)
	next.Version = rec.Version
	f.save(t, next, rec.Version)
	got, err := f.Fetch(t.Context(), rec.ID)
	if err != nil || !bytes.Equal(got.Data, next.Data) {
		t.Errorf("Fetch: got %v, %v", got, err)
	}
}
