package copies_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/verify/itest/copies"
	"github.com/holdfast-go/holdfast/verify/itest/seeds"
)

// A flaw is what an app, a store or a browser does otherwise.
type flaw struct {
	found    string // what the check says
	store    func(*storetest.Store)
	instance func(*copies.Instance)
	load     func(*copies.Load)
}

var flaws = map[string]flaw{
	"copies are used for longer": {
		found: "a copy is older than",
		load:  func(l *copies.Load) { l.MaxStale /= 10 },
	},
	"the browser loses the cookie of the version": {
		found: "the reads of a browser go back|a browser does not see its own change",
		load:  func(l *copies.Load) { l.ForgetVersions = true },
	},
	"unsafe requests use copies": {
		found: "a request that is not safe was served from a copy",
		instance: func(i *copies.Instance) {
			next := i.Handler
			i.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Method = http.MethodGet
				next.ServeHTTP(w, r)
			})
		},
	},
	"a save overwrites what it does not know": {
		found: "a change was lost|in no order|a read lacks a change|a browser does not see its own change",
		store: func(s *storetest.Store) {
			s.OnSave = func(ctx context.Context, rec *provider.Record, _ int64, next storetest.SaveFunc) error {
				return next(ctx, rec, -1)
			}
		},
	},
	"a read returns what was there some time ago": {
		found: "a read lacks a change|a session is there after its revocation",
		store: func(s *storetest.Store) {
			var before sync.Map
			s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if old, err := s.Provider.Fetch(ctx, rec.ID); err == nil {
					before.Store(rec.ID, old)
				}
				return next(ctx, rec, expect)
			}
			s.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
				if old, ok := before.Load(id); ok && rand.IntN(3) == 0 {
					return old.(*provider.Record).Clone(), nil
				}
				return next(ctx, id)
			}
		},
	},
	"a revocation is acknowledged and not stored": {
		found: "a session is there after its revocation",
		store: func(s *storetest.Store) {
			s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if time.Until(rec.ExpiresAt) < 30*time.Minute { // a tombstone's, not a session's
					return nil
				}
				return next(ctx, rec, expect)
			}
		},
	},
}

// Each flaw is found, in a store in memory.
func TestFlawsAreFound(t *testing.T) {
	for name, f := range flaws {
		t.Run(name, func(t *testing.T) {
			shared := memory.New()
			load := usual
			if f.load != nil {
				f.load(&load)
			}
			instances := newInstances(t, maxStale, f.over(shared), f.over(shared))
			for _, i := range instances {
				if f.instance != nil {
					f.instance(i)
				}
			}
			stats, err := check(t, 2000, seeds.First(*seed), load, instances)
			if err == nil {
				t.Fatalf("not found in %d histories", stats.Histories)
			}
			if !containsAny(err.Error(), strings.Split(f.found, "|")) {
				t.Errorf("found another: %v", err)
			}
		})
	}
}

// over returns a store with the flaw on top of p, whose calls let others get on before and
// after.
func (f flaw) over(p provider.Provider) provider.Provider {
	s := &storetest.Store{Provider: p}
	if f.store != nil {
		f.store(s)
	}
	return slow{s}
}

type slow struct{ *storetest.Store }

// Fetch implements provider.Provider.
func (s slow) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	dawdle()
	defer dawdle()
	return s.Store.Fetch(ctx, id)
}

// Save implements provider.Provider.
func (s slow) Save(ctx context.Context, rec *provider.Record, expect int64) error {
	dawdle()
	defer dawdle()
	return s.Store.Save(ctx, rec, expect)
}

func dawdle() {
	for range rand.IntN(5) {
		runtime.Gosched()
	}
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
