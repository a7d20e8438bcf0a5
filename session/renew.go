package session

import (
	"errors"
	"fmt"
)

// renewal moves a stored session to a new ID. The new record is inserted first
// and the old one turned into its tombstone second, which decides: until then
// the old cookie works and the new one is known to nobody, so a crash in
// between loses nothing.
func (c *commit) renewal(d *draft) error {
	if err := c.s.check(d, d.view.base); err != nil {
		return err
	}
	next := c.content(d, nil)
	c.known = true
	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	for {
		moved, err := c.bequeath(d, who, next)
		if err == nil && moved.landed {
			c.s.landed(d, who, next)
			c.setCookie(value, next)
			if old := d.view.base.Owner; old != "" {
				c.strike(old, gone(d.id))
			}
			return nil
		}
		if err == nil {
			d, next, err = c.renewAgain(d, who, next, moved)
		}
		if err != nil {
			c.withdraw(who, next)
			if errors.Is(err, errTombstone) {
				return c.startOver(d)
			}
			return err
		}
	}
}

// bequeath turns the old record into a tombstone that names its successor, and stays as
// long as that may live. It is not tried for a visitor who has hung up: the answer with the new cookie
// would be lost, and the old cookie dead.
func (c *commit) bequeath(d *draft, heir identity, next *content) (outcome, error) {
	if err := c.hungUp(); err != nil {
		return outcome{}, fmt.Errorf("not renewed: %w", err)
	}
	t := tombstone(d.view.base, heir.id, false)
	if end := c.m.end(next); end.After(t.expires) {
		t.expires = end
	}
	return c.save(d.id, t, d.view.base.version)
}

// renewAgain brings the new record up to what was saved to the old one
// meanwhile.
func (c *commit) renewAgain(d *draft, who identity, next *content, moved outcome) (*draft, *content, error) {
	if err := c.rebase(d, moved); err != nil {
		return d, next, err
	}
	d = c.s.draft()
	newer := c.content(d, next)
	out, err := c.put(who.id, newer, next)
	if err == nil && !out.landed {
		err = fmt.Errorf("%w: the record of the renewal is gone", ErrUnavailable)
	}
	return d, newer, err
}

// withdraw takes back the new record of a renewal that has failed.
func (c *commit) withdraw(who identity, next *content) {
	if c.remove(who.id) == nil && next.Owner != "" {
		c.strike(next.Owner, gone(who.id))
	}
}

// startOver is a renewal of what another request has renewed or destroyed
// meanwhile, such as a login clicked twice: an empty session under an ID of
// its own that takes what this request has set, and nothing of the old data.
// What the request has seen of them it may have in its changes, whatever the level, so
// that it cannot have a session of its own: a session that was revoked would come back.
func (c *commit) startOver(d *draft) error {
	if c.mode == updating {
		return errStartOver
	}
	if err := c.s.startOver(d); err != nil {
		return err
	}
	return c.create(c.s.draft())
}

// startOver makes the session one that is not stored, with only this request's
// changes.
func (s *Session) startOver(d *draft) error {
	empty := s.m.freshContent()
	empty.codec = d.view.base.codec // the changes are encoded in it
	if d.reads.nonEmpty || s.check(d, empty) != nil {
		return errTombstone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.identity, s.state.began = identity{predecessor: &predecessor{id: d.id}}, true
	return s.rebaseLocked(empty)
}
