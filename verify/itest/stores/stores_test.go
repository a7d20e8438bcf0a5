package stores_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// What one instance has saved, the others see, and nobody else does.
func TestInstancesShareTheirRecords(t *testing.T) {
	stores.Each(t, func(t *testing.T, s stores.Store) {
		all := s.Instances(t, 2)
		if err := all[0].Save(t.Context(), &provider.Record{ID: "a", Version: 1}, 0); err != nil {
			t.Fatal(err)
		}
		if rec, err := all[1].Fetch(t.Context(), "a"); err != nil || rec.Version != 1 {
			t.Errorf("Fetch by another instance: %v, %v; want version 1", rec, err)
		}
		if rec, err := s.New(t).Fetch(t.Context(), "a"); err == nil {
			t.Errorf("a new provider has %v; want none", rec)
		}
	})
}
