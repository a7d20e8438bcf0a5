package providertest

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

// A BroadcastRule is one clause of the contract of provider.Broadcaster.
type BroadcastRule struct {
	Name string // for go test -run
	Doc  string // the clause

	// Check returns an error that says how the providers break the rule. First and second
	// are over the same records, and may be the same provider. Other is over other records
	// of the same store.
	Check func(ctx context.Context, first, second, other provider.Provider) error
}

// BroadcastRules returns the rules of provider.Broadcaster, for a provider that implements
// it.
func BroadcastRules() []BroadcastRule {
	var all []BroadcastRule
	for _, r := range slices.Concat(broadcastRules, listenRules) {
		all = append(all, BroadcastRule{Name: r.name, Doc: r.doc, Check: r.run})
	}
	return all
}

// RunBroadcaster checks every rule of BroadcastRules in a subtest of its name, several in
// parallel:
//
//	providertest.RunBroadcaster(t, func(t *testing.T) (first, second, other provider.Provider) {
//		return myprovider.New(open(), "a"), myprovider.New(open(), "a"), myprovider.New(open(), "b")
//	})
//
// NewProviders returns providers over the same store: first and second over the same
// records, like two instances of a program, with connections of their own, and other over
// other records. It is called for each rule, and may return the same providers each time.
// If the records exist in one process only, first and second may be the same provider.
func RunBroadcaster(t *testing.T, newProviders func(*testing.T) (first, second, other provider.Provider)) {
	t.Helper()
	t.Run("broadcaster", func(t *testing.T) { // as in Run
		for _, rule := range BroadcastRules() {
			t.Run(rule.Name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				first, second, other := newProviders(t)
				if err := rule.Check(ctx, first, second, other); err != nil {
					t.Errorf("%v\nthe rule: %s", err, rule.Doc)
				}
			})
		}
	})
}

type broadcastRule struct {
	name, doc string
	check     func(*broadcastSubject)
}

func (r broadcastRule) run(ctx context.Context, first, second, other provider.Provider) (err error) {
	s := &broadcastSubject{ctx: ctx, first: first, second: second, other: other}
	defer s.cleanUp()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r.check(s)
	return s.err
}
