package sealed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// FuzzOpen has a store return any record. Only the one that was sealed opens.
func FuzzOpen(f *testing.F) {
	inner := &storetest.Store{Provider: memory.New()}
	p := seal(f, inner, newKey(), newKey())
	rec := newRecord()
	save(f, p, rec, 0)
	genuine := fetch(f, inner, rec.ID)

	add := func(r *provider.Record) { f.Add(r.Version, provider.Millis(r.ExpiresAt), r.Format, r.Data) }
	add(genuine)
	add(rec)
	add(&provider.Record{ID: rec.ID, Version: rec.Version + 1, ExpiresAt: rec.ExpiresAt, Format: genuine.Format, Data: genuine.Data})
	add(&provider.Record{ID: rec.ID, Version: rec.Version, Format: genuine.Format, Data: genuine.Data})
	add(&provider.Record{ID: rec.ID, Version: rec.Version, ExpiresAt: rec.ExpiresAt, Format: genuine.Format, Data: genuine.Data[:21]})
	f.Fuzz(func(t *testing.T, version, millis int64, format string, data []byte) {
		stored := &provider.Record{ID: rec.ID, Version: version, ExpiresAt: provider.FromMillis(millis), Format: format, Data: data}
		isGenuine := same(stored, genuine)
		inner.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return stored.Clone(), nil
		}
		inner.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			return &provider.ConflictError{Current: stored.Clone()}
		}
		got, err := p.Fetch(t.Context(), rec.ID)
		conflict := p.Save(t.Context(), rec, 0)
		brought, ok := errors.AsType[*provider.ConflictError](conflict)
		switch {
		case !errors.Is(conflict, provider.ErrVersionConflict):
			t.Errorf("Save: got error %v, want ErrVersionConflict", conflict)
		case isGenuine:
			if err != nil || !ok || !same(got, rec) || !same(brought.Current, rec) {
				t.Errorf("the record that was sealed: got error %v and conflict %v", err, conflict)
			}
		case got != nil || ok || !errors.Is(err, provider.ErrUnreadable) || !errors.Is(conflict, provider.ErrUnreadable):
			t.Errorf("got %v, error %v and conflict %v, want ErrUnreadable", got, err, conflict)
		}
	})
}
