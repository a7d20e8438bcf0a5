package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestSigningKeysRotate(t *testing.T) {
	oldKey, newKey := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)
	store := memory.New()
	before := newManager(t, store, session.Config{SigningKeys: [][]byte{oldKey}})
	during := newManager(t, store, session.Config{SigningKeys: [][]byte{newKey, oldKey}})
	after := newManager(t, store, session.Config{SigningKeys: [][]byte{newKey}})

	old, fresh := cookieOf(t, before), cookieOf(t, during)
	for name, c := range map[string]struct {
		m      *session.Manager
		cookie *http.Cookie
		want   bool
	}{
		"an old cookie under both keys":    {during, old, true},
		"an old cookie under the new key":  {after, old, false},
		"a new cookie under the new key":   {after, fresh, true}, // the newest key signs
		"a new cookie under the old key":   {before, fresh, false},
		"a cookie under the key it is of ": {before, old, true},
	} {
		if got := knows(c.m, c.cookie); got != c.want {
			t.Errorf("%s: known %v", name, got)
		}
	}
}

func TestKeyRingIsSharedByInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		one, two := newManager(t, store, session.Config{}), newManager(t, store, session.Config{})
		cookie := cookieOf(t, one)
		if !knows(two, cookie) {
			t.Error("the other instance does not know the cookie")
		}
		if other := newManager(t, store, session.Config{Namespace: "other"}); knows(other, cookie) {
			t.Error("a Manager of another namespace knows the cookie")
		}
		if restarted := newManager(t, store, session.Config{}); !knows(restarted, cookie) {
			t.Error("a restart has signed the visitor out")
		}
	})
}

// A year of daily rotations: a session in use is never lost, whichever of two instances
// serves it, and a persistent one lasts for as long as Persist has said.
func TestKeyRingRotatesUnderLiveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		cfg := session.Config{SigningKeyRotation: 24 * time.Hour}
		instances := []*session.Manager{newManager(t, store, cfg), newManager(t, store, cfg)}
		const kept = 30 * 24 * time.Hour
		persistent := cookieAfter(t, instances[0], nil, func(s *session.Session) {
			keyA.Set(s, 1)
			s.Persist(kept)
		})
		began := time.Now()
		for hour := range 24 * 365 {
			m := instances[hour%2]
			if hour%7 == 0 {
				if cookie := cookieOf(t, m); !knows(instances[(hour+1)%2], cookie) {
					t.Fatalf("after %v, a cookie of one instance is unknown to the other", time.Since(began))
				}
			}
			if got, want := knows(m, persistent), time.Since(began) < kept; got != want {
				t.Fatalf("after %v, the persistent session is known: %v", time.Since(began), got)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestKeyRingThatCannotBeReadIsNoNewSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storetest.Store{Provider: memory.New()}
		cookie := cookieOf(t, newManager(t, store, session.Config{}))

		down := errors.New("down")
		store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, down }
		w := serveOne(newManager(t, store, session.Config{}), cookie, func(*session.Session) { t.Error("the handler ran") })
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("a store that is down: status %d, Set-Cookie %q", w.Code, w.Header().Get("Set-Cookie"))
		}

		store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			rec, err := next(ctx, id)
			if err == nil {
				rec.Data = []byte("not a ring")
			}
			return rec, err
		}
		var got error
		m := newManager(t, store, session.Config{ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { got = err }})
		serveOne(m, cookie, func(*session.Session) { t.Error("the handler ran") })
		if !errors.Is(got, session.ErrUnreadable) {
			t.Errorf("a ring that is no ring: %v", got)
		}
	})
}

func TestKeyThatIsNotPublishedDoesNotSign(t *testing.T) {
	store := &storetest.Store{Provider: memory.New()}
	store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errors.New("down") }
	w := serveOne(newManager(t, store, session.Config{}), nil, func(s *session.Session) { keyA.Set(s, 1) })
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("status %d, Set-Cookie %q", w.Code, w.Header().Get("Set-Cookie"))
	}
}

func TestRuleRingOfItsNamespace(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
	other := w.manager(func(cfg *session.Config) { cfg.SigningKeys, cfg.Namespace = nil, "other" })
	w.client().post(set("a=1")).wantPage(t)
	w.clientOf(other).post(set("a=1")).wantPage(t)
	rings := map[string]bool{}
	for _, s := range w.savesSince(0) {
		if s.Format == "holdfast-keyring" {
			rings[s.ID] = true
		}
	}
	if len(rings) != 2 {
		t.Errorf("%d key rings; want one for each namespace", len(rings))
	}
}

// A request may use more keys than fit a short list, in any order. It and the next
// request must see the values that a map would hold, also after an Update was undone.
func TestManyKeys(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	m := newManager(t, memory.New(), session.Config{})
	cookie := cookieOf(t, m)
	model := map[string]int{"a": 1}

	// change changes up to n keys of the session, and of a model in the same way.
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
