package txn

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// destroy ends the session that Destroy has named, if it was stored, and with it those
// that live beside it.
func (c *commit) destroy(b *pendingDestroy) error {
	if b.id == "" {
		return c.destroyAll(b)
	}
	return c.observe(observe.Destroy, b.id, func() error { return c.destroyAll(b) })
}

func (c *commit) destroyAll(b *pendingDestroy) error {
	if b.id != "" {
		if err := c.writeTombstone(b); err != nil {
			return err
		}
		if b.base.Owner != "" {
			c.t.e.Owners.Remove(&c.Access, b.base.Owner, b.id)
		}
	}
	if err := c.endRivals(); err != nil {
		return err
	}
	if b.cookie {
		c.t.req.ClearCookie()
	}
	c.t.destroyed(b)
	return nil
}

// writeTombstone ends the session, under the rules of isolation for what the request has
// read and popped.
func (c *commit) writeTombstone(b *pendingDestroy) error {
	ended, err := c.EndLast(b.id, b.base, records.Ending{
		Outside: c.t.req.HeaderSent,
		Check: func(current *records.Content) error {
			return c.t.e.Isolation.check(readWriteSet{changes: b.popped, reads: &b.reads, base: b.base}, current)
		},
		Contended: func() error {
			if c.mode == updating && !c.t.destroyedBefore(b) {
				return errRerun
			}
			return nil
		},
	})
	if err != nil || !ended.Already {
		return err
	}
	b.reads.ended = b.reads.nonEmpty
	switch {
	case len(b.popped) == 0: // just what was asked for
		return nil
	case ended.AfterUnknown:
		return records.ErrGoneUnknown
	default:
		return records.ErrEnded
	}
}

// pendingDestroy returns what the commit has to end: the session, if it is stored; what an
// earlier Destroy has left to end; or nothing but the cookie of an unknown session. A
// tombstone's cookie stays: the browser may hold its successor's.
func (t *Txn) pendingDestroy() *pendingDestroy {
	st := &t.state
	switch {
	case st.id != "":
		return &pendingDestroy{identity: st.identity, base: st.view.base, reads: st.reads, popped: st.popped, cookie: true}
	case st.destroyed != nil:
		return st.destroyed
	case t.unread != nil:
		return t.unread
	default:
		return &pendingDestroy{cookie: st.predecessor == nil && t.req.HasCookie()}
	}
}

// destroyed notes that b has ended. What the request has read of a session that another
// one has ended must not pass into one of its own.
func (t *Txn) destroyed(b *pendingDestroy) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits++
	if t.unread == b {
		t.unread = nil
	}
	if t.state.destroyed == b {
		t.state.destroyed = nil
		t.state.reads.ended = t.state.reads.ended || b.reads.ended
	}
}

// destroyedBefore reports whether b was to be destroyed before the closure of
// Session.Update ran, which can run again and perhaps not destroy the session.
func (t *Txn) destroyedBefore(b *pendingDestroy) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.before == b
}

// endRivalsFor ends the sessions of the visitor's other cookies, if next can be saved.
func (c *commit) endRivalsFor(next *records.Content) error {
	switch {
	case len(c.t.rivalsLeft()) == 0:
		return nil
	case c.t.req.HeaderSent():
		return ErrHeaderSent
	}
	if err := c.t.e.fits(next); err != nil {
		return err
	}
	return c.endRivals()
}

// endRivals ends the sessions of which the request got none because several live, so that
// the cookie it is about to set is the only one that counts, or none does. It is done
// before a new session is stored: that must not compete with them for a place among its
// owner's, and without it they are not served either.
func (c *commit) endRivals() error {
	rivals := c.t.rivalsLeft()
	for i, r := range rivals {
		err := c.t.e.Owners.EndRival(c.Caller(), r.ID, r.Content, !c.t.req.HeaderSent())
		if err != nil && !errors.Is(err, records.ErrUnreadable) { // which counts for nothing beside one that lives
			return fmt.Errorf("%w: another session of this browser could not be ended: %v", records.ErrUnavailable, err)
		}
		if r.Content.Owner != "" {
			c.t.e.Owners.Remove(&c.Access, r.Content.Owner, r.ID)
		}
		c.t.keepRivals(rivals[i+1:])
	}
	return nil
}

// rivalsLeft returns the sessions to end before another of the visitor's begins.
func (t *Txn) rivalsLeft() []Rival {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rivals
}

// keepRivals notes that all rivals but these have ended.
func (t *Txn) keepRivals(left []Rival) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rivals = left
	t.req.ClearOthers()
}
