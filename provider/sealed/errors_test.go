package sealed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// What the store is certain of is passed on.
func TestCertaintyIsPassedOn(t *testing.T) {
	for _, want := range []error{provider.ErrNotSaved, provider.ErrRefused, provider.ErrFull} {
		p := seal(t, &storetest.Store{
			Provider: memory.New(),
			OnSave: func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
				return want
			},
			OnDelete: func(context.Context, string, storetest.DeleteFunc) error { return want },
		}, newKey())
		if err := p.Save(t.Context(), newRecord(), 0); !errors.Is(err, want) {
			t.Errorf("Save: got error %v, want %v", err, want)
		}
		if err := p.Delete(t.Context(), "ID"); !errors.Is(err, want) {
			t.Errorf("Delete: got error %v, want %v", err, want)
		}
	}
}
