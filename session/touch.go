package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/holdfast-go/holdfast/provider"
)

// firstTouch reports whether the request has not tried to touch the session.
func (s *Session) firstTouch() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.touched
	s.touched = true
	return first
}

// touch extends a session that was used but not changed. It is a courtesy: one
// at a time per session, and whoever is in the way has extended it, too.
func (c *commit) touch() {
	d := c.s.draft()
	if c.mode != auto || d.id == "" || !c.m.touchDue(d.view.base) || c.s.pass.isPassive() || !c.s.firstTouch() {
		return
	}
	if _, busy := c.m.touching.LoadOrStore(d.id, nil); busy {
		return
	}
	defer c.m.touching.Delete(d.id)
	base := d.view.base
	next := c.m.extended(base)
	event := c.m.watch(OpTouch)
	rec, err := c.m.record(d.id, next)
	event.PublicID, event.Err = d.id, err
	if err == nil {
		err = c.saveOnce(c.now(), rec, base.version)
		if err != nil && !errors.Is(err, provider.ErrVersionConflict) { // whoever was first has extended it
			event.Err = unavailable(err)
		}
	}
	c.m.observed(c.ctx(), event)
	switch {
	case err == nil:
		c.s.landed(d, d.identity, next)
		if c.m.reentryDue(base, next) {
			c.reenter(d.id, next)
		}
	case !errors.Is(err, provider.ErrVersionConflict):
		c.m.cfg.Logger.Warn("session: not extended", slog.String("public_id", d.id), slog.Any("error", err))
	}
}

// extended returns what base is once it was used now.
func (m *Manager) extended(base *content) *content {
	next := follow(base)
	next.expires = m.expiry(base, next.Seen, base.expires)
	next.encode(base, &base.Entries, nil)
	return next
}

// touchDue reports whether so much of c's idle window is used up that it is
// worth a save. An owner wants to know when the session was last used, also where
// that does not extend it.
func (m *Manager) touchDue(c *content) bool {
	at := now()
	return m.expiry(c, at, c.expires).Sub(c.expires) >= m.cfg.TouchInterval ||
		c.Owner != "" && at.Sub(c.Seen) >= m.cfg.TouchInterval
}

// Touch extends the session, as a request does that uses it without a change. It is for
// what is no request, such as a message that came over a websocket: call it where the
// user has done something. It works during the request and after it.
//
// It takes one storage trip, and one more where Config.TouchInterval of the idle window
// is used up; then a session with an owner takes one or two for the owner's list, as in a
// request. It does not extend the session beyond Config.Lifetime, or what Persist has
// set. It returns ErrEnded as [Session.Check] does, ErrUnavailable, ErrOutcomeUnknown,
// ErrUnreadable or ErrTooLarge. What the request sees of the session stays as it was, but for ExpiresAt and
// LastSeenAt.
func (s *Session) Touch(ctx context.Context) error {
	id := s.PublicID()
	if id == "" { // not stored
		return ErrEnded
	}
	event := s.m.watch(OpTouch)
	saved, err := s.touchNow(ctx, id)
	if saved || err != nil {
		event.PublicID, event.Err = id, err
		s.m.observed(ctx, event)
	}
	return err
}

// touchNow saves the session as used now, if that is due.
func (s *Session) touchNow(ctx context.Context, id string) (saved bool, err error) {
	st := s.m.storage(ctx, nil)
	defer func() { st.turn.Leave() }()
	found, err := st.fetch(id)
	for {
		if err == nil {
			err = s.m.standing(found)
		}
		if err != nil {
			return false, err
		}
		if !s.m.touchDue(found) {
			s.seen(found, found)
			return false, nil
		}
		next := s.m.extended(found)
		var out outcome
		out, err = st.save(id, next, found.version)
		switch {
		case err != nil:
			return false, err
		case out.landed:
			s.seen(found, next)
			if s.m.reentryDue(found, next) {
				st.reenter(id, next)
			}
			return true, nil
		case out.current == nil && out.doubted:
			return false, fmt.Errorf("%w: the record is gone", ErrOutcomeUnknown)
		case st.exhausted(st.now()):
			return false, st.outrun()
		}
		found = out.current
		if st.yield(id) {
			found, err = st.fetch(id)
		}
	}
}

// seen notes that the stored content is now after, which has the values of before.
func (s *Session) seen(before, after *content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	view := &s.state.view
	switch base := view.base; {
	case base.version == before.version:
		view.base = after
	case after.expires.After(base.expires):
		used := *base // at its own version: the values are not those of after
		used.expires, used.Seen = after.expires, after.Seen
		view.base = &used
	}
}

// passiveKey is the key of what Passive puts into the context of a request.
type passiveKey struct{ m *Manager }

// Passive returns next such that its requests do not count as use of the session: they
// load it and do not extend it. It is for what a page does without its user, such as
// polling, which would keep the session alive for as long as the page is open.
//
// It holds for the whole request, and works outside or inside of Handler, HandlerFunc and
// Replay. What such a request changes is saved; ExpiresAt and LastSeenAt stay. Renew and
// Persist restart the times as ever, and a session that begins has all of its time.
func (m *Manager) Passive(next http.Handler) http.Handler {
	m.check()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := m.around(r.Context()); p != nil {
			p.passive.Store(true)
			next.ServeHTTP(w, r)
			return
		}
		inner := r.WithContext(context.WithValue(r.Context(), passiveKey{m}, true))
		defer giveBack(r, inner)
		next.ServeHTTP(w, inner)
	})
}

// isPassive reports whether the request does not count as use of the session.
func (p *passage) isPassive() bool {
	return p.passive.Load() || p.request.Context().Value(passiveKey{p.m}) != nil
}
