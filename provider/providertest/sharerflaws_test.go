package providertest_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// sharer is a Sharer with a flaw.
type sharer struct {
	provider.Provider
	shared func(whole provider.Provider) provider.Provider
}

func (s *sharer) Shared(whole provider.Provider) provider.Provider { return s.shared(whole) }

func TestFlawsOfSharedBreakTheirRules(t *testing.T) {
	store := memory.New()
	for name, tc := range map[string]struct {
		sharer provider.Provider
		breaks string
	}{
		"none":                         {store, ""},
		"other records":                {&sharer{store, func(provider.Provider) provider.Provider { return memory.New() }}, "share-same share-wrapped"},
		"nothing is shared":            {&sharer{store, func(provider.Provider) provider.Provider { return nil }}, "share-same"},
		"a wrapper's methods left out": {&sharer{store, func(provider.Provider) provider.Provider { return store }}, "share-wrapped"},
		"it is no Sharer":              {struct{ provider.Provider }{store}, "share-same share-wrapped"},
	} {
		t.Run(name, func(t *testing.T) {
			breaks := ""
			for _, rule := range providertest.ShareRules() {
				if rule.Check(t.Context(), tc.sharer) != nil {
					breaks += " " + rule.Name
				}
			}
			if want := tc.breaks; breaks != want && breaks != " "+want {
				t.Errorf("broken:%s; want %s", breaks, want)
			}
		})
	}
}
