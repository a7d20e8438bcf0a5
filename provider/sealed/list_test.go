package sealed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

// What no key opens ends a listing: a record that is left out unsaid may be one
// that someone has looked for.
func TestListEndsAtAnUnreadableRecord(t *testing.T) {
	p, inner := newStore(t)
	for range 50 {
		save(t, p, newRecord(), 0)
	}
	save(t, inner, newRecord(), 0)
	var last error
	for got, err := range p.List(t.Context(), "ID-") {
		if last != nil {
			t.Fatal("it goes on after an error")
		}
		if last = err; err != nil && got != nil {
			t.Errorf("an error comes with %+v", got)
		}
	}
	if !errors.Is(last, provider.ErrUnreadable) {
		t.Errorf("ends with %v, want ErrUnreadable", last)
	}
}

func TestListOfAStoreThatCannot(t *testing.T) {
	_, inner := newStore(t)
	p := seal(t, struct{ provider.Provider }{inner}, newKey())
	for rec, err := range p.List(context.Background(), "") {
		if rec != nil || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, %v; want ErrUnsupported", rec, err)
		}
	}
}
