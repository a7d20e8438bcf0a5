package providertest_test

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestGoodProviderBreaksNoRule(t *testing.T) {
	if broken := brokenRules(t, allRules(), func(good provider.Provider) provider.Provider { return good }); len(broken) > 0 {
		t.Errorf("broken: %v", broken)
	}
}

func TestFlawsBreakTheirRules(t *testing.T) {
	breakTheirRules(t, providertest.Rules(), flaws)
}

func TestFlawsOfListBreakTheirRules(t *testing.T) {
	breakTheirRules(t, providertest.ListRules(), listFlaws)
}

func breakTheirRules(t *testing.T, rules []providertest.Rule, flaws []flaw) {
	for _, flaw := range flaws {
		t.Run(flaw.name, func(t *testing.T) {
			t.Parallel()
			broken := brokenRules(t, rules, flaw.add)
			want := strings.Fields(flaw.breaks)
			for _, name := range want {
				if broken[name] == nil {
					t.Errorf("%s is not broken", name)
				}
				delete(broken, name)
			}
			for _, name := range slices.Sorted(maps.Keys(broken)) {
				t.Errorf("%s is broken: %v", name, broken[name])
			}
		})
	}
}

func TestEveryRuleCanBeBroken(t *testing.T) {
	broken := make(map[string]bool)
	for _, flaw := range slices.Concat(flaws, listFlaws) {
		for _, name := range strings.Fields(flaw.breaks) {
			broken[name] = true
		}
	}
	for _, rule := range allRules() {
		if !broken[rule.Name] {
			t.Errorf("no flaw breaks %s", rule.Name)
		}
	}
}

func TestRulesAreNamed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := make(map[string]bool)
	for _, rule := range allRules() {
		if !name.MatchString(rule.Name) || seen[rule.Name] || !strings.HasSuffix(rule.Doc, ".") {
			t.Errorf("rule %q: %q", rule.Name, rule.Doc)
		}
		seen[rule.Name] = true
	}
}

func allRules() []providertest.Rule {
	return slices.Concat(providertest.Rules(), providertest.ListRules())
}

// brokenRules returns why each rule fails that does. A rule is checked in a
// bubble, where no time is lost by waiting, and where a pause lets all other
// goroutines catch up.
func brokenRules(t *testing.T, rules []providertest.Rule, add mistake) map[string]error {
	broken := make(map[string]error)
	for _, rule := range rules {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := rule.Check(ctx, add(unhurried())); err != nil {
				broken[rule.Name] = err
			}
		})
	}
	return broken
}

// pause lets other goroutines of a bubble go ahead.
func pause() { <-time.After(rand.N(time.Millisecond)) }

// unhurried returns a provider without a flaw, and with pauses that let
// concurrent calls overlap in every way.
func unhurried() provider.Provider {
	store := memory.New()
	return lister{&storetest.Store{
		Provider: store,
		OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			pause()
			return next(ctx, id)
		},
		OnSave: func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
			pause()
			return next(ctx, rec, expectVersion)
		},
		OnDelete: func(ctx context.Context, id string, next storetest.DeleteFunc) error {
			pause()
			return next(ctx, id)
		},
	}, func(ctx context.Context, prefix string) list {
		return func(yield func(*provider.Record, error) bool) {
			for rec, err := range store.List(ctx, prefix) {
				pause()
				if !yield(rec, err) {
					return
				}
			}
		}
	}}
}

var breaksDataBinary = altering(func(rec *provider.Record) { rec.Data = bytes.ToValidUTF8(rec.Data, nil) })

const runsBroken = "PROVIDERTEST_RUN_BROKEN"

// TestRunOfBrokenProvider is what TestFailureTellsTheRule runs, and fails.
func TestRunOfBrokenProvider(t *testing.T) {
	if os.Getenv(runsBroken) == "" {
		return
	}
	closed := make(chan struct{})
	defer close(closed)
	providertest.Run(t, func(t *testing.T) provider.Provider {
		select {
		case <-closed:
			t.Error("Run has returned")
		default:
		}
		return breaksDataBinary(memory.New())
	})
}

func TestFailureTellsTheRule(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestRunOfBrokenProvider$")
	cmd.Env = append(os.Environ(), runsBroken+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("the test of a broken provider has passed")
	}
	for _, rule := range allRules() {
		if got, want := strings.Contains(string(out), "the rule: "+rule.Doc), rule.Name == "data-binary"; got != want {
			t.Errorf("rule %s is printed: %v, want %v", rule.Name, got, want)
		}
	}
	if t.Failed() || strings.Contains(string(out), "Run has returned") {
		t.Errorf("output:\n%s", out)
	}
}
