package memory_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestSharedCopiesNothing(t *testing.T) {
	p := memory.New()
	shared := p.Shared(p)
	rec := record(100)
	if err := shared.Save(t.Context(), rec, 0); err != nil {
		t.Fatal(err)
	}
	got, err := shared.Fetch(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got != rec {
		t.Error("the record was copied")
	}
}

// Shared is another way to the same store.
func TestSharedIsTheStore(t *testing.T) {
	p := memory.New()
	shared := p.Shared(p)
	rec := record(100)
	if err := shared.Save(t.Context(), rec, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Fetch(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
	save(t, p, rec, 0, nil) // once more: it has landed
	if err := shared.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	if n := p.Len(); n != 0 {
		t.Errorf("%d records", n)
	}
}

// What is built around a provider is not to be passed over.
func TestSharedOfAnotherProvider(t *testing.T) {
	var around provider.Provider = struct{ *memory.Provider }{memory.New()}
	sharer := around.(interface {
		Shared(provider.Provider) provider.Provider
	})
	if sharer.Shared(around) != nil {
		t.Error("the provider around the memory is passed over")
	}
}
