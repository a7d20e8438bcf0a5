package sim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func is(err, target error) bool { return errors.Is(err, target) }

// system is a session layer under test.
type system interface {
	serve(x *exchange)
}

// exchange is a request on its way through a system.
type exchange struct {
	w     *httptest.ResponseRecorder
	r     *http.Request
	mode  mode
	guard func(verbs)     // what the middleware of mode guarded does
	leaf  func(verbs) int // what the handler does; it returns the status
	err   error           // what ErrorHandler was given

	copied bool   // the session was a copy (Config.ReadCache)
	joined joined // what the Observer was told
}

// verbs is a session in a handler's hands.
type verbs interface {
	isNew() bool
	get(k int) (int, bool)
	set(k, n int)
	del(k int)
	pop(k int) (int, bool)
	update(k int, fn func(int) int) int
	keys() []string
	clear()
	renew()
	destroy()
	persist(time.Duration)
	save(context.Context) error
	transact(context.Context, func(verbs) error) error
	publicID() string
	administrator
	revoke(context.Context) error
	refresh(ctx context.Context, stale func(int) bool, fn func(context.Context, int) (int, error)) (int, error)
}

const cookieName = "session"

// holdfast is package session as a system under test.
type holdfast struct {
	manager *session.Manager
	keys    [nKeys]session.Key[int]
}

// silent is a store that cannot broadcast: the age of a copy alone decides.
type silent struct{ provider.Provider }

type exchangeKey struct{}

func newHoldfast(p provider.Provider, prog *Program) system {
	if prog.maxStale > 0 {
		p = silent{p}
	}
	cfg := session.Config{
		SigningKeys:  [][]byte{[]byte("a signing key of thirty-two bytes")},
		Isolation:    prog.level,
		Cookie:       session.Cookie{Insecure: true},
		Logger:       slog.New(slog.DiscardHandler),
		ErrorHandler: refuse,
		ReadCache:    session.ReadCache{MaxStale: prog.maxStale},
		Observer:     noteEvent,
	}
	if prog.rotates {
		cfg.RotateInterval, cfg.RotateGrace = rotateInterval, rotateGrace
	}
	if prog.revokes {
		cfg.RevokeEverythingWithin = revocableWithin
	}
	m, err := session.New(p, cfg)
	if err != nil {
		panic(err)
	}
	h := &holdfast{manager: m}
	for k, kind := range prog.kinds {
		h.keys[k] = session.NewKey[int](keyNames[k])
		switch kind {
		case merging:
			h.keys[k] = h.keys[k].MergeWith(func(base, mine, theirs int) int { return theirs + mine - base })
		case lastWins:
			h.keys[k] = h.keys[k].LastWriteWins()
		}
	}
	return h
}

// refuse is the ErrorHandler: it notes the error.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		x.err = err
	}
	w.WriteHeader(session.StatusCode(err))
}

// noteEvent is the Observer: it notes whether the session was a copy, and whether another
// request has saved the changes.
func noteEvent(ctx context.Context, e session.Event) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return
	}
	x.copied = x.copied || e.Age > 0
	if e.Joined {
		x.joined.saved = x.joined.saved || e.Err == nil
		x.joined.unknown = x.joined.unknown || is(e.Err, session.ErrOutcomeUnknown)
	}
}

func (h *holdfast) serve(x *exchange) {
	r := x.r.WithContext(context.WithValue(x.r.Context(), exchangeKey{}, x))
	h.route(x).ServeHTTP(x.w, r)
}

func (h *holdfast) route(x *exchange) http.Handler {
	leaf := func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		w.WriteHeader(x.leaf(held{s, h}))
	}
	switch x.mode {
	case handler:
		return h.manager.Handler(loading(leaf))
	case replay:
		return h.manager.Handler(h.manager.Replay(loading(leaf)))
	case guarded:
		inner := h.manager.Replay(loading(leaf))
		return h.manager.Handler(loading(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			x.guard(held{s, h})
			inner.ServeHTTP(w, r)
		}))
	}
	return h.manager.HandlerFunc(leaf)
}

// loading is a handler that calls Load itself.
func loading(fn func(http.ResponseWriter, *http.Request, *session.Session)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fn(w, r, s)
	})
}

// held is a session of package session.
type held struct {
	s *session.Session
	h *holdfast
}

func (v held) isNew() bool      { return v.s.IsNew() }
func (v held) publicID() string { return v.s.PublicID() }

func (v held) get(k int) (int, bool) {
	if k == label {
		return labelOf(v.s)
	}
	return v.h.keys[k].Get(v.s)
}

func (v held) set(k, n int) {
	if k == label {
		v.s.SetLabel(labelName, strconv.Itoa(n))
		return
	}
	v.h.keys[k].Set(v.s, n)
}

func (v held) del(k int) {
	if k == label {
		v.s.SetLabel(labelName, "")
		return
	}
	v.h.keys[k].Delete(v.s)
}

func (v held) pop(k int) (int, bool)              { return v.h.keys[k].Pop(v.s) }
func (v held) update(k int, fn func(int) int) int { return v.h.keys[k].Update(v.s, fn) }
func (v held) keys() []string                     { return v.s.Keys() }
func (v held) clear()                             { v.s.Clear() }
func (v held) renew()                             { v.s.Renew() }
func (v held) destroy()                           { v.s.Destroy() }
func (v held) persist(d time.Duration)            { v.s.Persist(d) }
func (v held) save(ctx context.Context) error     { return v.s.Save(ctx) }
func (v held) revoke(ctx context.Context) error   { return v.h.manager.Revoke(ctx, v.s.PublicID()) }

func (v held) refresh(ctx context.Context, stale func(int) bool, fn func(context.Context, int) (int, error)) (int, error) {
	return v.h.keys[refreshed].Refresh(ctx, v.s, stale, fn)
}

func (v held) transact(ctx context.Context, fn func(verbs) error) error {
	return v.s.Update(ctx, func(s *session.Session) error { return fn(held{s, v.h}) })
}
