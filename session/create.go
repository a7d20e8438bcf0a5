package session

import (
	"errors"
	"fmt"
	"time"
)

// create stores a session that is not stored yet.
func (c *commit) create(d *draft) error {
	if d.reads.ended || c.s.check(d, d.view.base) != nil {
		return errTombstone // what was read is of a session that another request has ended
	}
	if p := d.predecessor; p != nil && p.content != nil && !d.mayClaim(p.content) {
		return errTombstone
	}
	next := c.content(d, nil)
	if err := c.makeWay(next); err != nil {
		return err
	}
	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	if err := c.claim(d, who); err != nil {
		c.withdraw(who, next)
		return err
	}
	c.s.landed(d, who, next)
	c.setCookie(value, next)
	return nil
}

// makeWay ends what the visitor's other cookies lead to, if next can be saved.
func (c *commit) makeWay(next *content) error {
	switch {
	case len(c.s.rivals()) == 0:
		return nil
	case c.s.pass.sent.Load():
		return ErrHeaderSent
	}
	if _, err := c.m.record("", next); err != nil {
		return err
	}
	return c.endRivals()
}

// insert stores next under a new ID, and returns that and the value of its
// cookie. An insert of unknown outcome that reads back absent may still arrive,
// and must not bring back what was destroyed meanwhile: it is left to nobody,
// and the next try has another ID.
func (c *commit) insert(next *content) (identity, string, error) {
	for range maxDoubts {
		who := c.m.cookies.identity(newToken())
		value, err := c.sign(who.token)
		if err != nil {
			return identity{}, "", err
		}
		out, err := c.put(who.id, next, nil)
		if err != nil && !errors.Is(err, ErrOutcomeUnknown) {
			c.retract(who.id, next.Owner)
		}
		if out.landed {
			c.m.begun.note(who.id, next)
		}
		if err != nil || out.landed {
			return who, value, err
		}
	}
	return identity{}, "", fmt.Errorf("%w: a new record", ErrOutcomeUnknown)
}

// sign returns the value of the cookie that holds token, before anything is
// saved that would be lost without it.
func (c *commit) sign(token []byte) (string, error) {
	if c.s.pass.sent.Load() {
		return "", ErrHeaderSent
	}
	value, err := c.m.cookies.sign(c.ctx(), token)
	if err != nil {
		return "", unavailable(err)
	}
	return value, nil
}

// persistentCookie returns the value of the cookie to send anew, if d changes
// how long the browser is to keep it.
func (c *commit) persistentCookie(d *draft) (string, error) {
	if d.persist == nil {
		return "", nil
	}
	return c.sign(d.token)
}

func (c *commit) setCookie(value string, next *content) {
	age := c.m.cfg.Cookie.MaxAge
	if !next.Deadline.IsZero() {
		age = c.m.end(next).Sub(now()).Round(time.Second)
	}
	c.s.pass.cookie.Store(c.m.cfg.Cookie.render(value, age))
}
