// Package providertest checks that a provider keeps the contract of package provider:
//
//	func TestProvider(t *testing.T) {
//		providertest.Run(t, func(t *testing.T) provider.Provider {
//			return myprovider.New(...)
//		})
//	}
//
// The store may be shared and in use: every rule uses random IDs and deletes them
// afterwards. If the store has a clock, it should agree with that of the test to within a
// second.
package providertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// A Rule is one clause of the contract.
type Rule struct {
	Name string // for go test -run
	Doc  string // the clause

	// Check returns an error that says how p breaks the rule.
	Check func(ctx context.Context, p provider.Provider) error
}

// Rules returns the rules of provider.Provider.
func Rules() []Rule {
	return exported(slices.Concat(saveRules, retryRules, expiryRules, contentRules, inputRules, memoryRules, contextRules, raceRules))
}

// ListRules returns the rules of provider.Lister, for a provider that implements it.
func ListRules() []Rule { return exported(listRules) }

// ShareRules returns the rules of provider.Sharer, for a provider that implements it.
func ShareRules() []Rule { return exported(shareRules) }

func exported(rules []rule) []Rule {
	var all []Rule
	for _, r := range rules {
		all = append(all, Rule{Name: r.name, Doc: r.doc, Check: r.run})
	}
	return all
}

// patience is how long a rule may take before its context ends. It is only a bound
// against hanging: some rules make thousands of calls, which may take a minute.
const patience = 5 * time.Minute

// Run checks every rule in a subtest of its name, several in parallel, each on a provider
// of its own: those of Rules, of ListRules if the provider is a provider.Lister, and of
// ShareRules if it is a provider.Sharer.
func Run(t *testing.T, newProvider func(*testing.T) provider.Provider) {
	t.Helper()
	// Parallel subtests end before their parent does. With one in between, they also end
	// before Run returns, so that the caller may close the store with a defer.
	t.Run("rules", func(t *testing.T) {
		rules := Rules()
		p := newProvider(t)
		if _, ok := p.(provider.Lister); ok {
			rules = append(rules, ListRules()...)
		}
		if sharer, ok := p.(provider.Sharer); ok && sharer.Shared(p) != nil {
			rules = append(rules, ShareRules()...)
		}
		for _, rule := range rules {
			t.Run(rule.Name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := rule.Check(ctx, newProvider(t)); err != nil {
					t.Errorf("%v\nthe rule: %s", err, rule.Doc)
				}
			})
		}
	})
}
