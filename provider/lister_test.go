package provider_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestValidatePrefix(t *testing.T) {
	for name, tc := range map[string]struct {
		prefix string
		valid  bool
	}{
		"of all":            {"", true},
		"whole ID":          {strings.Repeat("x", 255), true},
		"longer than an ID": {strings.Repeat("x", 256), false},
		"NUL":               {"a\x00", false},
		"cut rune":          {"日本"[:5], false},
	} {
		t.Run(name, func(t *testing.T) { wantValid(t, provider.ValidatePrefix(tc.prefix), tc.valid) })
	}
}

// oneRecord is a Lister.
type oneRecord struct{ provider.Provider }

func (oneRecord) List(_ context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) { yield(&provider.Record{ID: prefix + "one"}, nil) }
}

func TestListIsThatOfTheProvider(t *testing.T) {
	for rec, err := range provider.List(t.Context(), oneRecord{}, "prefix-") {
		if err != nil || rec.ID != "prefix-one" {
			t.Errorf("got %v, %v", rec, err)
		}
		return
	}
	t.Error("got no record")
}

func TestListOfNoLister(t *testing.T) {
	var noLister struct{ provider.Provider }
	noLister.Provider = memory.New()
	steps := 0
	for rec, err := range provider.List(t.Context(), noLister, "") {
		if steps++; rec != nil || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, %v; want ErrUnsupported", rec, err)
		}
	}
	if steps != 1 {
		t.Errorf("got %d steps, want 1", steps)
	}
}
