package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// A loss is what can get lost of one call.
type loss struct {
	name   string
	toxics []toxic
	lands  bool
}

var losses = []loss{
	{"request cut", cutRequests, false},
	{"request reset", resetRequests, false},
	{"request in a black hole", blackHole, false},
	{"answer cut", cutAnswers, true},
	{"answer reset", resetAnswers, true},
	{"answer in a black hole", noAnswers, true},
	{"answer late", lateAnswers, true},
}

func testLostSaves(t *testing.T, s subject, server *testserver.Server) {
	for _, loss := range losses {
		t.Run(loss.name, func(t *testing.T) {
			p, space := newProxy(t, server.Addr), stores.Space()
			lossy := s.At(t, p.through(server.URL), space)
			direct := s.At(t, server.URL, space)
			// These open the connection that the toxics are for, and prepare statements.
			lengthen(t, lossy, "another", 1, 2)
			must(t, "create", lossy.Save(t.Context(), chain{}.grow("id", 1), 0))

			p.poison(loss.toxics...)
			sent := loss.wantUnknown(t, s, lossy, direct, chain{1}.grow("id", 2), 1)
			p.drainAndHeal()
			switch {
			case !loss.lands || !sent:
				wantChain(t, direct, chain{1})
			case !s.overtaken:
				wantChain(t, direct, chain{1, 2})
			}
			insist(t, "the same Save again", func() error {
				return lossy.Save(t.Context(), chain{1}.grow("id", 2), 1)
			})
			wantChain(t, direct, chain{1, 2})

			err := lossy.Save(t.Context(), chain{1}.grow("id", 3), 1)
			if !errors.Is(err, provider.ErrVersionConflict) {
				t.Errorf("another Save: %v, want a conflict", err)
			}
			wantChain(t, direct, chain{1, 2})
		})
	}
}

func testLostCreates(t *testing.T, s subject, server *testserver.Server) {
	for _, loss := range losses {
		t.Run(loss.name, func(t *testing.T) {
			p, space := newProxy(t, server.Addr), stores.Space()
			lossy := s.At(t, p.through(server.URL), space)
			direct := s.At(t, server.URL, space)
			must(t, "another create", lossy.Save(t.Context(), chain{}.grow("other id", 1), 0))

			p.poison(loss.toxics...)
			sent := loss.wantUnknown(t, s, lossy, direct, chain{}.grow("id", 2), 0)
			p.drainAndHeal()
			switch {
			case !loss.lands || !sent:
				wantChain(t, direct, nil)
			case !s.overtaken:
				wantChain(t, direct, chain{2})
			}
			insist(t, "the same Save again", func() error {
				return lossy.Save(t.Context(), chain{}.grow("id", 2), 0)
			})
			wantChain(t, direct, chain{2})
			if err := lossy.Save(t.Context(), chain{}.grow("id", 3), 0); !errors.Is(err, provider.ErrVersionConflict) {
				t.Errorf("another create: %v, want a conflict", err)
			}
		})
	}
}

// A request whose save or its answer is lost answers with what has become of it
// as soon as the store can be read again, and its change is made once.
func testRequestsWhoseSavesAreLost(t *testing.T, s subject, server *testserver.Server) {
	for _, loss := range losses {
		for _, rival := range []bool{false, true} {
			name := loss.name
			if rival {
				name += ", and a rival saves"
			}
			t.Run(name, func(t *testing.T) {
				p, space := newProxy(t, server.Addr), stores.Space()
				direct := newApp(t, s.At(t, server.URL, space), patience)
				lossy := &storetest.Store{Provider: s.At(t, p.through(server.URL), space)}
				var armed atomic.Bool
				var got answer
				lossy.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
					if !armed.CompareAndSwap(true, false) {
						return next(ctx, rec, expect)
					}
					ctx, cancel := context.WithTimeout(ctx, callTimeout)
					defer cancel()
					p.poison(loss.toxics...)
					err := next(ctx, rec, expect)
					p.drainAndHeal()
					if err == nil || errors.Is(err, provider.ErrVersionConflict) {
						t.Errorf("the lost save: %v", err)
					}
					if rival {
						mustAsk(t, direct, "POST", "/update?token=rival", got)
					}
					return err
				}
				a := newApp(t, lossy, patience)
				got = mustAsk(t, a, "POST", "/begin", answer{})
				mustAsk(t, a, "POST", "/update?token=first", got)
				armed.Store(true)
				want := []string{"first"}
				if s.insistOnLost(t, a, got) {
					want = append(want, "lost")
				}

				if armed.Load() {
					t.Error("nothing was saved")
				}
				list, _ := mustAsk(t, direct, "GET", "/tokens", got).tokens()
				if rival {
					want = append(want, "rival")
				}
				if !sameTokens(list, want) {
					t.Errorf("tokens %q, want %q once each", list, want)
				}
			})
		}
	}
}

// insistOnLost makes the change of which something gets lost, and reports whether it was
// made. If the fault may meet something else first, the answer may be that nothing was
// saved.
func (s subject) insistOnLost(t *testing.T, a *app, earlier answer) bool {
	t.Helper()
	got, err := a.ask("POST", "/update?token=lost", earlier.cookie)
	if err != nil || got.verdict() != done && (got.verdict() != refused || !s.overtaken) {
		t.Errorf("/update: answer %d %q, %v", got.status, got.body, err)
	}
	return got.verdict() == done
}

// wantUnknown wants a save whose loss its context ends, if nothing else does, to
// leave its outcome open. One that lands has until it is stored: on a slow machine
// it might not be sent in any shorter time. If the fault may meet something else first,
// it need not land, and has callTimeout. wantUnknown reports whether the save may have
// been sent, by its error.
func (l loss) wantUnknown(t *testing.T, s subject, lossy, direct provider.Provider, rec *provider.Record, expect int64) (sent bool) {
	t.Helper()
	limit := callTimeout
	if l.lands && !s.overtaken {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	if l.lands {
		group.Go(func() {
			awaitVersion(ctx, direct, rec.ID, rec.Version)
			cancel()
		})
	}
	err := lossy.Save(ctx, rec, expect)
	wantOpen(t, err)
	return !errors.Is(err, provider.ErrNotSaved)
}

// wantOpen wants the error of a save to leave open what became of it.
func wantOpen(t *testing.T, err error) {
	t.Helper()
	if err == nil || isVerdict(err) {
		t.Errorf("Save: %v, want an error that leaves it open", err)
	}
}

// awaitVersion returns when a record is stored in a version, or ctx ends.
func awaitVersion(ctx context.Context, store provider.Provider, id string, version int64) {
	for {
		rec, err := store.Fetch(ctx, id)
		if err == nil && rec.Version == version || !witness.Wait(ctx, time.Millisecond) {
			return
		}
	}
}

// wantChain wants the record to have come through these saves, as soon as a
// slow server is done with them; nil: it is absent.
func wantChain(t *testing.T, store provider.Provider, want chain) {
	t.Helper()
	var got chain
	var err error
	eventually(t, func() bool {
		var rec *provider.Record
		if rec, err = store.Fetch(t.Context(), "id"); err != nil {
			got = nil
			return want == nil && errors.Is(err, provider.ErrNotFound)
		}
		got, err = chainOf(rec)
		return err == nil && slices.Equal(got, want)
	}, func() string { return fmt.Sprintf("the chain is %v (%v), want %v", got, err, want) })
}

// insist repeats a call, over another connection, until it succeeds or gives a
// verdict: which connections are broken shows only when they are used.
func insist(t *testing.T, what string, call func() error) {
	t.Helper()
	var err error
	eventually(t, func() bool {
		err = call()
		return err == nil || isVerdict(err)
	}, func() string { return err.Error() })
	must(t, what, err)
}

// mustAsk asks in the session of an earlier answer and returns the answer, with the
// cookie that the visitor then has. It may be called by any goroutine.
func mustAsk(t *testing.T, a *app, method, path string, earlier answer) answer {
	t.Helper()
	got, err := a.ask(method, path, earlier.cookie)
	if err != nil || got.status != http.StatusOK {
		t.Errorf("%s: answer %d %q, %v", path, got.status, got.body, err)
	}
	if got.cookie == nil {
		got.cookie = earlier.cookie
	}
	return got
}

func sameTokens(got, want []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
