package session

import (
	"errors"
	"log/slog"

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
	if c.mode != auto || d.id == "" || !c.m.touchDue(d.view.base) || !c.s.firstTouch() {
		return
	}
	if _, busy := c.m.touching.LoadOrStore(d.id, nil); busy {
		return
	}
	defer c.m.touching.Delete(d.id)
	base := d.view.base
	next := follow(base)
	next.expires = c.m.expiry(base, next.Seen, base.expires)
	next.encode(base, &base.Entries, nil)
	event := c.m.watch(OpTouch)
	rec, err := c.m.record(d.id, next)
	event.Handle, event.Err = d.id, err
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
		c.m.cfg.Logger.Warn("session: not extended", slog.String("handle", d.id), slog.Any("error", err))
	}
}

// touchDue reports whether so much of c's idle window is used up that it is
// worth a save. An owner wants to know when the session was last used, also where
// that does not extend it.
func (m *Manager) touchDue(c *content) bool {
	at := now()
	return m.expiry(c, at, c.expires).Sub(c.expires) >= m.cfg.TouchInterval ||
		c.Owner != "" && at.Sub(c.Seen) >= m.cfg.TouchInterval
}
