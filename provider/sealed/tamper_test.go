package sealed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// What is not as it was sealed is an error, to Fetch and to a Save that meets it.
func TestAlteredRecord(t *testing.T) {
	inner := memory.New()
	p := seal(t, inner, newKey())
	rec, other := newRecord(), newRecord()
	save(t, p, other, 0)
	save(t, p, rec, 0)
	first := fetch(t, inner, rec.ID)
	save(t, p, successor(rec), rec.Version)
	second := fetch(t, inner, rec.ID)
	foreign := fetch(t, inner, other.ID)

	for _, c := range []struct {
		name  string
		alter func(*provider.Record)
	}{
		{"the data of another record", func(r *provider.Record) { r.Data = foreign.Data }},
		{"all of another record but the ID", func(r *provider.Record) { *r = *foreign.Clone(); r.ID = second.ID }},
		{"another ID", func(r *provider.Record) { r.ID = other.ID }},
		{"an ID that is longer", func(r *provider.Record) { r.ID += "x" }},
		{"another version", func(r *provider.Record) { r.Version++ }},
		{"a version that differs in the upper half", func(r *provider.Record) { r.Version += 1 << 32 }},
		{"the data of an earlier version", func(r *provider.Record) { r.Data = first.Data }},
		{"an earlier state under the version of now", func(r *provider.Record) { *r = *first.Clone(); r.Version = second.Version }},
		{"a later expiry", func(r *provider.Record) { r.ExpiresAt = r.ExpiresAt.Add(time.Millisecond) }},
		{"an earlier expiry", func(r *provider.Record) { r.ExpiresAt = r.ExpiresAt.Add(-time.Millisecond) }},
		{"no expiry", func(r *provider.Record) { r.ExpiresAt = time.Time{} }},
		{"another format", func(r *provider.Record) { r.Format = "cbor" }},
		{"no format", func(r *provider.Record) { r.Format = "" }},
		{"no data", func(r *provider.Record) { r.Data = nil }},
		{"a byte more", func(r *provider.Record) { r.Data = append(r.Data, 0) }},
		{"what was never sealed", func(r *provider.Record) { *r = *rec.Clone() }},
		{"what was never sealed, but says so", func(r *provider.Record) { r.Data = slices.Repeat([]byte{1}, 100) }},
		{"what is sealed, but not by this package", func(r *provider.Record) { p.SealText(r, "text") }},
		{"nothing, sealed", func(r *provider.Record) { p.SealText(r, "") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			altered := second.Clone()
			c.alter(altered)
			refuses(t, inner, p, altered)
		})
	}
	t.Run("any bit", func(t *testing.T) {
		for i := range second.Data {
			for bit := range 8 {
				altered := second.Clone()
				altered.Data[i] ^= 1 << bit
				refuses(t, inner, p, altered)
			}
		}
	})
	t.Run("any length", func(t *testing.T) {
		for n := range second.Data {
			altered := second.Clone()
			altered.Data = altered.Data[:n]
			refuses(t, inner, p, altered)
		}
	})
}

// refuses puts a record past p into the store, and wants p not to open it.
func refuses(t *testing.T, inner, p provider.Provider, altered *provider.Record) {
	t.Helper()
	save(t, inner, altered, -1)
	rec, err := p.Fetch(t.Context(), altered.ID)
	if rec != nil {
		t.Fatalf("Fetch: got %+v", rec)
	}
	unreadable(t, "Fetch", err, altered)

	err = p.Save(t.Context(), &provider.Record{ID: altered.ID, Version: 7}, 0)
	if !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("Save: got error %v, want ErrVersionConflict", err)
	}
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok {
		t.Errorf("Save: the conflict brings along %+v", conflict.Current)
	}
	unreadable(t, "Save", err, altered)
	holds(t, inner, altered)
}

// unreadable wants a call to fail with ErrUnreadable and nothing else that package
// provider knows, and to tell nothing.
func unreadable(t *testing.T, call string, err error, rec *provider.Record) {
	t.Helper()
	if !errors.Is(err, provider.ErrUnreadable) || errors.Is(err, provider.ErrNotFound) {
		t.Errorf("%s: got error %v, want ErrUnreadable", call, err)
	}
	if strings.Contains(fmt.Sprint(err), rec.ID) {
		t.Errorf("%s: error %q tells the ID", call, err)
	}
}

// A record that is put back whole is taken: who has no other memory than the store
// cannot tell. The package's documentation says so.
func TestRollbackIsNotNoticed(t *testing.T) {
	p, inner := newStore(t)
	rec := newRecord()
	save(t, p, rec, 0)
	kept := fetch(t, inner, rec.ID)
	if err := p.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	save(t, inner, kept, 0)
	holds(t, p, rec)
}

// An unreadable record can be deleted and overwritten by those who mean to.
func TestUnreadableRecordCanGo(t *testing.T) {
	p, inner := newStore(t)
	for _, remove := range []func(id string) error{
		func(id string) error { return p.Delete(context.Background(), id) },
		func(id string) error {
			return p.Save(context.Background(), &provider.Record{ID: id, Version: 1, ExpiresAt: time.Unix(1, 0)}, -1)
		},
	} {
		rec := newRecord()
		save(t, inner, rec, 0)
		if err := remove(rec.ID); err != nil {
			t.Error(err)
		}
		if _, err := p.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrNotFound) {
			t.Errorf("got error %v, want ErrNotFound", err)
		}
	}
}

// A store that answers with what it was not asked for.
func TestStoreThatErrs(t *testing.T) {
	inner := &storetest.Store{Provider: memory.New()}
	p := seal(t, inner, newKey())
	rec, other := newRecord(), newRecord()
	save(t, p, rec, 0)
	save(t, p, other, 0)
	for name, answer := range map[string]*provider.Record{
		"nothing":        nil,
		"another record": fetch(t, inner.Provider, other.ID),
	} {
		t.Run(name, func(t *testing.T) {
			inner.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return answer, nil }
			got, err := p.Fetch(t.Context(), rec.ID)
			if got != nil {
				t.Errorf("got %+v", got)
			}
			unreadable(t, "Fetch", err, rec)
		})
	}
}

// A conflict with nothing is no unreadable record.
func TestConflictWithNothing(t *testing.T) {
	p, _ := newStore(t)
	err := p.Save(t.Context(), newRecord(), 7)
	conflict, ok := errors.AsType[*provider.ConflictError](err)
	if !ok || conflict.Current != nil || errors.Is(err, provider.ErrUnreadable) {
		t.Errorf("got error %#v, want a ConflictError without a record", err)
	}
}

// Errors of the store pass as they are, none of them for a conflict.
func TestStoreThatFails(t *testing.T) {
	down := errors.New("connection refused")
	inner := &storetest.Store{Provider: memory.New()}
	inner.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, down }
	inner.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return down }
	inner.OnDelete = func(context.Context, string, storetest.DeleteFunc) error { return down }
	p := seal(t, inner, newKey())
	rec, fetched := p.Fetch(t.Context(), "id")
	if rec != nil {
		t.Errorf("Fetch: got %+v", rec)
	}
	for call, err := range map[string]error{
		"Fetch":  fetched,
		"Save":   p.Save(t.Context(), newRecord(), 0),
		"Delete": p.Delete(t.Context(), "id"),
	} {
		if !errors.Is(err, down) {
			t.Errorf("%s: got error %v, want the store's", call, err)
		}
	}
}
