package migrate_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-go/holdfast/provider/migrate"
)

// The set of known IDs is bounded, and keeps those in use.
func TestIDSetIsBounded(t *testing.T) {
	var s migrate.IDSet
	s.Add("in use")
	for i := range 4 * migrate.MaxIDs {
		s.Add(fmt.Sprint(i))
		if i%1000 == 0 && !s.Has("in use") {
			t.Fatalf("after %d others, it has forgotten an ID in use", i)
		}
	}
	if n := s.Len(); n > 2*migrate.MaxIDs {
		t.Errorf("%d IDs, want at most %d", n, 2*migrate.MaxIDs)
	}
	if s.Has("0") || !s.Has(fmt.Sprint(4*migrate.MaxIDs-1)) {
		t.Error("it keeps the oldest ones, or not the newest")
	}
}
