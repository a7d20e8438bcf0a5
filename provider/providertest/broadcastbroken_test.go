package providertest_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestGoodBroadcasterBreaksNoRule(t *testing.T) {
	if broken := brokenBroadcastRules(t, flawed(nil, nil)); len(broken) > 0 {
		t.Errorf("broken: %v", broken)
	}
}

func TestFlawsOfBroadcastersBreakTheirRules(t *testing.T) {
	for _, flaw := range broadcastFlaws {
		t.Run(flaw.name, func(t *testing.T) {
			t.Parallel()
			broken := brokenBroadcastRules(t, flaw.add)
			for _, name := range strings.Fields(flaw.breaks) {
				if broken[name] == nil {
					t.Errorf("%s is not broken", name)
				}
				delete(broken, name)
			}
			for _, name := range strings.Fields(flaw.may) {
				delete(broken, name)
			}
			for _, name := range slices.Sorted(maps.Keys(broken)) {
				t.Errorf("%s is broken: %v", name, broken[name])
			}
		})
	}
}

func TestEveryBroadcastRuleCanBeBroken(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	var broken []string
	for _, flaw := range broadcastFlaws {
		broken = append(broken, strings.Fields(flaw.breaks)...)
	}
	for _, rule := range providertest.BroadcastRules() {
		if !slices.Contains(broken, rule.Name) {
			t.Errorf("no flaw breaks %s", rule.Name)
		}
		if !name.MatchString(rule.Name) || !strings.HasSuffix(rule.Doc, ".") {
			t.Errorf("rule %q: %q", rule.Name, rule.Doc)
		}
	}
}

// A provider that is no Broadcaster breaks the rules, and does not hang.
func TestNoBroadcaster(t *testing.T) {
	broken := brokenBroadcastRules(t, func() providers {
		p := struct{ lister }{lister{Provider: memory.New()}}
		return providers{p, p, p}
	})
	for _, rule := range providertest.BroadcastRules() {
		if discreet := rule.Name == "broadcast-errors-discreet"; (broken[rule.Name] == nil) != discreet {
			t.Errorf("%s: got %v", rule.Name, broken[rule.Name])
		}
	}
}

// brokenBroadcastRules returns why each rule fails that does, as brokenRules does.
func brokenBroadcastRules(t *testing.T, add func() providers) map[string]error {
	broken := make(map[string]error)
	for _, rule := range providertest.BroadcastRules() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			p := add()
			if err := rule.Check(ctx, p.first, p.second, p.other); err != nil {
				broken[rule.Name] = err
			}
			time.Sleep(time.Minute) // until the goroutines of flaws have ended
		})
	}
	return broken
}
