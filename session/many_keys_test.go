package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A request may touch more keys than fit a short list, in any order. What it and
// the next one see must be what a map would hold, also after an Update was undone.
func TestManyKeys(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	m := newManager(t, memory.New(), session.Config{})
	cookie := cookieOf(t, m)
	model := map[string]int{"a": 1}

	// change changes up to n keys of the session, and of a model beside it.
	change := func(s *session.Session, model map[string]int, n int) {
		for range rnd.IntN(n) {
			name := fmt.Sprint("key", rnd.IntN(60))
			k, value := session.NewKey[int](name), rnd.IntN(5)
			got, ok := k.Get(s)
			if want, wantOK := model[name]; got != want || ok != wantOK {
				t.Errorf("seed %d: Get(%s) = %d, %v; want %d, %v", seed, name, got, ok, want, wantOK)
			}
			switch rnd.IntN(4) {
			case 0:
				k.Delete(s)
				delete(model, name)
			case 1:
				k.Update(s, func(old int) int { return old + value })
				model[name] += value
			default:
				k.Set(s, value)
				model[name] = value
			}
		}
	}
	for range 200 {
		w := serveOne(m, cookie, func(s *session.Session) {
			change(s, model, 80)
			undone := errors.New("undone")
			if err := s.Update(context.Background(), func(s *session.Session) error {
				change(s, maps.Clone(model), 80)
				return undone
			}); !errors.Is(err, undone) {
				t.Errorf("seed %d: Update: %v", seed, err)
			}
			change(s, model, 10)
			if got, want := s.Keys(), slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) {
				t.Errorf("seed %d: Keys() = %q, want %q", seed, got, want)
			}
		})
		if w.Code != 200 || t.Failed() {
			t.Fatalf("seed %d: status %d: %s", seed, w.Code, w.Body)
		}
	}
}
