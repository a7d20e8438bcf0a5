package session_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// signIn is what a handler does when user has proven who they are.
func signIn(user string) func(*session.Session) {
	return func(s *session.Session) {
		s.Renew()
		s.SetOwner(user)
		keyA.Set(s, 1)
	}
}

// own makes the session the user's and does nothing else.
func own(user string) func(*session.Session) {
	return func(s *session.Session) { s.SetOwner(user) }
}

// limit is an option of newWorld.
func limit(n int, refuses bool) func(*session.Config) {
	return func(cfg *session.Config) { cfg.OwnerLimit, cfg.OwnerLimitRefuses = n, refuses }
}

// sessions returns the user's.
func (w *world) sessions(user string) []*session.Session {
	w.t.Helper()
	sessions, err := w.m.Sessions(context.Background(), user)
	if err != nil {
		w.t.Errorf("Sessions(%q): %v", user, err)
	}
	return sessions
}

// publicIDs returns those of the user's sessions.
func (w *world) publicIDs(user string) (publicIDs []string) {
	w.t.Helper()
	for _, s := range w.sessions(user) {
		publicIDs = append(publicIDs, s.PublicID())
	}
	return publicIDs
}

// wantSessions checks that the user's sessions are those of the clients, in any
// order.
func (w *world) wantSessions(user string, clients ...*client) {
	w.t.Helper()
	var want []string
	for _, c := range clients {
		want = append(want, c.sessionID())
	}
	got := w.publicIDs(user)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s has the sessions %q; want %q", user, got, want)
	}
}

// owner returns whose session the client's cookie opens.
func (c *client) owner() (user string) {
	c.tab().post(func(s *session.Session) { user = s.Owner() })
	return user
}

// owners returns who owns the sessions that live, by public ID, of all that were
// ever saved.
func (w *world) owners() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	for _, sv := range w.savesSince(0) {
		err := w.m.Update(context.Background(), sv.ID, func(s *session.Session) error {
			found[sv.ID] = s.Owner()
			return nil
		})
		if err != nil && !errors.Is(err, session.ErrEnded) {
			w.t.Errorf("looking for whose a session is: %v", err)
		}
	}
	maps.DeleteFunc(found, func(_, owner string) bool { return owner == "" })
	return found
}

// wantRevocable checks that every session that lives is in the list of its owner,
// and that RevokeAll leaves none.
func (w *world) wantRevocable() {
	w.t.Helper()
	live := w.owners()
	for publicID, owner := range live {
		if !slices.Contains(w.publicIDs(owner), publicID) {
			w.t.Errorf("a session of %s lives and is not listed", owner)
		}
	}
	for _, owner := range live {
		wantErr(w.t, w.m.RevokeAll(context.Background(), owner), nil)
	}
	for _, owner := range w.owners() {
		w.t.Errorf("after RevokeAll a session of %s lives", owner)
	}
}

// step is what becomes of one operation of the store's: do is the operation.
type step func(do func() error) error

// script has a world's store do its operations by steps, from the first on. What
// comes after the last step goes well.
type script struct {
	mu    sync.Mutex
	count int // operations so far
	steps map[int]step
	rest  step // of those after the last of steps; nil: all goes well
	last  int
	late  []func() error // what is still under way
}

// follow has w's store do as the script says from now on.
func (w *world) follow() *script {
	sc := &script{steps: map[int]step{}, last: -1}
	save, fetch := w.store.OnSave, w.store.OnFetch
	w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		return save(ctx, rec, expect, func(ctx context.Context, rec *provider.Record, expect int64) error {
			cp := *rec
			cp.Data = bytes.Clone(rec.Data)
			return sc.do(func() error { return next(context.WithoutCancel(ctx), &cp, expect) })
		})
	}
	w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		return fetch(ctx, id, func(ctx context.Context, id string) (*provider.Record, error) {
			var read atomic.Pointer[provider.Record] // perhaps when the caller has given up
			err := sc.do(func() error {
				rec, err := next(ctx, id)
				read.Store(rec)
				return err
			})
			if err != nil {
				return nil, err
			}
			return read.Load(), nil
		})
	}
	w.store.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
		return sc.do(func() error { return next(context.WithoutCancel(ctx), id) })
	}
	return sc
}

// at sets what becomes of the nth operation, and of all after it.
func (sc *script) at(n int, do, rest step) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.count, sc.last, sc.rest = 0, n, rest
	clear(sc.steps)
	sc.steps[n] = do
}

// heal lets what is under way arrive, and all go well from now on.
func (sc *script) heal() {
	sc.mu.Lock()
	late := sc.late
	clear(sc.steps)
	sc.rest, sc.late = nil, nil
	sc.mu.Unlock()
	for _, land := range late {
		_ = land()
	}
}

// reached reports whether there was an nth operation.
func (sc *script) reached(n int) bool {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.count > n
}

func (sc *script) do(op func() error) error {
	sc.mu.Lock()
	st := sc.steps[sc.count]
	if st == nil && sc.count > sc.last {
		st = sc.rest
	}
	sc.count++
	sc.mu.Unlock()
	if st == nil {
		return op()
	}
	return st(op)
}

// The steps that are faults.

func lost(func() error) error { return errBroken }

func unacknowledged(do func() error) error {
	_ = do()
	return errBroken
}

// overdue is an operation that is given up and arrives when the script heals.
func (sc *script) overdue(do func() error) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.late = append(sc.late, do)
	return errBroken
}

// powerOff ends the program before the operation, powerOffAfter after it.
func powerOff(func() error) error { runtime.Goexit(); return nil }

func powerOffAfter(do func() error) error { _ = do(); runtime.Goexit(); return nil }

// overdueAtPowerOff is an operation that is under way when the program ends.
func (sc *script) overdueAtPowerOff(do func() error) error {
	_ = sc.overdue(do)
	runtime.Goexit()
	return nil
}

// first runs fn before the operation.
func first(fn func()) step {
	return func(do func() error) error {
		fn()
		return do()
	}
}
