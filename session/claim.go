package session

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// strictWindow is how long after a request has renewed or destroyed its session, or has
// begun one over a tombstone, no other request begins one there: longer than the answer
// that changes the browser's cookie is under way.
const strictWindow = 30 * time.Second

// predecessor is the session that has ended, and whose cookie the visitor still has.
type predecessor struct {
	id      string   // of its tombstone
	content *content // nil: to be read
}

// claimable reports whether a change may begin a new session over the tombstone c at
// that time. If the session was ended from outside, no other answer sets or clears the
// cookie, so the first change may.
func (c *content) claimable(at time.Time) bool {
	return c.Outside && c.Claim == "" || !at.Before(c.Seen.Add(strictWindow))
}

// mayClaim reports whether d may begin a session over the tombstone t, absent if it is
// nil. A login always may.
func (d *draft) mayClaim(t *content) bool {
	return d.renew || t == nil || t.Tombstone && t.claimable(now())
}

// mayBeLost reports whether d changes nothing but LastWriteWins keys.
func (d *draft) mayBeLost() bool {
	if d.renew || d.cleared || d.owner != nil {
		return false
	}
	for i := range d.changes {
		if !d.changes[i].blind {
			return false
		}
	}
	return true
}

// claim writes the ID of the session who into the tombstone of d's predecessor, if there
// is one. It does not do so for a visitor who has hung up: the cookie would be lost, and
// nobody else could begin a session over the tombstone for strictWindow.
func (c *commit) claim(d *draft, who identity) error {
	if d.predecessor == nil {
		return nil
	}
	if err := c.hungUp(); err != nil {
		return err
	}
	id, t := d.predecessor.id, d.predecessor.content
	var err error
	if t == nil {
		t, err = c.fetch(id)
	}
	for err == nil && t != nil {
		if !d.mayClaim(t) {
			return errTombstone
		}
		var out outcome
		out, err = c.save(id, claimed(t, who.id, d.renew), t.version)
		if out.landed {
			if d.renew && t.Claim != "" && !t.Login {
				c.endClaim(t.Claim)
			}
			return nil
		}
		if t = out.current; err == nil && c.exhausted(c.now()) {
			err = c.outrun()
		}
	}
	return err
}

// claimed returns the tombstone t with the claim of the session of that ID.
func claimed(t *content, id string, login bool) *content {
	next := follow(t)
	next.Tombstone, next.Successor, next.Outside = true, t.Successor, t.Outside
	next.Claim, next.Login = id, login
	next.expires = t.expires
	if until := next.Seen.Add(tombstoneLifetime); until.After(next.expires) {
		next.expires = until
	}
	next.encode(t, nil, nil)
	return next
}

// endClaim ends the session that was begun over a tombstone before a login was. It
// leaves alone one that has an owner or was renewed.
func (c *commit) endClaim(id string) {
	err := c.endAnonymous(id)
	if err != nil {
		c.m.cfg.Logger.Warn("session: a session that was begun before a login lives on beside it",
			slog.String("public_id", id), slog.Any("error", err))
	}
}

func (c *commit) endAnonymous(id string) error {
	found, err := c.fetch(id)
	for err == nil && found != nil && !found.Tombstone && found.Owner == "" {
		var out outcome
		out, err = c.save(id, tombstone(found, "", false), found.version)
		if out.landed {
			return nil
		}
		if found = out.current; err == nil && c.exhausted(c.now()) {
			return c.outrun()
		}
	}
	return err
}

// hungUp returns an error if the visitor does not wait for the answer any more, or the
// caller of Save or Update for that.
func (c *commit) hungUp() error {
	for _, ctx := range []context.Context{c.asks, c.s.pass.request.Context()} {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: the cookie could not be sent: %w", ErrUnavailable, context.Cause(ctx))
		}
	}
	return nil
}
