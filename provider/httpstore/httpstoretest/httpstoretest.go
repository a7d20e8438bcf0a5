// Package httpstoretest checks that a server keeps the protocol of provider/httpstore,
// which docs/httpstore.md describes:
//
//	func TestServer(t *testing.T) {
//		httpstoretest.Run(t, "http://localhost:8090", httpstore.Options{Token: token})
//	}
//
// A server that is written in another language is checked by
//
//	HOLDFAST_TEST_HTTPSTORE_URL=… HOLDFAST_TEST_HTTPSTORE_TOKEN=… go test -run TestConformance ./provider/httpstore
//
// The store may be in use: every rule uses random IDs and deletes them afterwards. The
// server's clock should agree with that of the test to within a second.
package httpstoretest

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// A Rule is one clause of the protocol.
type Rule struct {
	Name string // for go test -run
	Doc  string // the clause

	// Check returns an error that says how the server breaks the rule. The options are those
	// of a client that may use the server.
	Check func(ctx context.Context, url string, options httpstore.Options) error
}

// Rules returns the rules about requests and answers.
func Rules() []Rule { return exported(recordRules, requestRules, listRules) }

// MessageRules returns the rules of messages between clients, which a server need not have.
func MessageRules() []Rule { return exported(messageRules) }

func exported(lists ...[]rule) []Rule {
	var all []Rule
	for _, rules := range lists {
		for _, r := range rules {
			all = append(all, Rule{Name: r.name, Doc: r.doc, Check: r.run})
		}
	}
	return all
}

// patience is a bound against hanging.
const patience = time.Minute

// Run checks every rule in a subtest of its name, and those of package providertest over
// a client of the server: those of Rules, and of MessageRules unless the server says that it
// has no messages. The URL is that of httpstore.New; that of a Unix socket is not
// supported.
func Run(t *testing.T, url string, options httpstore.Options) {
	t.Helper()
	t.Run("protocol", func(t *testing.T) {
		rules := Rules()
		if hasMessages(t, url, options) {
			rules = append(rules, MessageRules()...)
		}
		for _, rule := range rules {
			t.Run(rule.Name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := rule.Check(ctx, url, options); err != nil {
					t.Errorf("%v\nthe rule: %s", err, rule.Doc)
				}
			})
		}
	})
	t.Run("provider", func(t *testing.T) {
		p, err := httpstore.New(url, options)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		providertest.Run(t, func(*testing.T) provider.Provider { return p })
	})
}
