package nats_test

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/nats"
)

// A reply has few names. List gets all of them nevertheless, once each, by asking for the
// names of ever smaller parts.
func TestAllNamesOfMoreThanAReply(t *testing.T) {
	p, _, _ := store(t)
	keys := map[string]int{}
	for n := range 2000 {
		keys[p.Path(fmt.Sprint("id-", n))] = 1
	}
	for level := range nats.Levels + 1 {
		for _, limit := range []int{2000, 1999, 200, 20} {
			got := map[string]int{}
			for name, err := range nats.InParts(server(keys, limit), level) {
				if err != nil {
					t.Fatalf("level %d, %d names in a reply: %v", level, limit, err)
				}
				got[name]++
			}
			if !maps.Equal(got, keys) {
				t.Errorf("level %d, %d names in a reply: got %d of %d, or one twice", level, limit, len(got), len(keys))
			}
		}
	}
	var errs []error
	for _, err := range nats.InParts(server(keys, 0), 0) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], nats.ErrTooMany) {
		t.Errorf("no name in a reply: got errors %v, want one", errs)
	}
}

// server answers as NATS does with up to limit names in a reply.
func server(keys map[string]int, limit int) func(string) (map[string]int, bool, error) {
	sorted := slices.Sorted(maps.Keys(keys))
	paths := make([]string, len(sorted))
	for i, key := range sorted {
		paths[i] = strings.ReplaceAll(key, ".", "/")
	}
	return func(filter string) (map[string]int, bool, error) {
		found := map[string]int{}
		matching := 0
		pattern := strings.ReplaceAll(filter, ".", "/")
		literal := pattern[:strings.IndexAny(pattern+"*", "*?[")]
		for i, name := range paths {
			if !strings.HasPrefix(name, literal) {
				continue
			}
			if ok, _ := path.Match(pattern, name); !ok {
				continue
			}
			if matching++; matching <= limit {
				found[sorted[i]] = 1
			}
		}
		return found, matching <= limit, nil
	}
}

// The parts that List begins with have few enough names for a reply of 100,000 each.
func TestLevelOfParts(t *testing.T) {
	for count, want := range map[int]int{0: 0, 90_000: 0, 90_001: 1, 1_000_000: 1, 1_600_000: 2, 20_000_000: 2, 300_000_000: 3} {
		if got := nats.LevelFor(count); got != want {
			t.Errorf("%d keys: level %d, want %d", count, got, want)
		}
	}
}
