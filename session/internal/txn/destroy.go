package txn

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// destroy ends the session that Destroy has marked, if it was stored, and the rivals of
// that session.
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
		c.t.e.Owners.Remove(&c.Access, b.id, b.base)
	}
	if err := c.endRivals(); err != nil {
		return err
	}
	if b.cookie {
		c.t.req.ClearToken()
	}
	c.t.req.NoteDestroy()
	c.t.destroyed(b)
	return nil
}

// writeTombstone ends the session. It checks what the request has read and popped by the
// rules of the isolation level.
func (c *commit) writeTombstone(b *pendingDestroy) error {
	ended, err := c.EndLast(b.id, b.base, records.Ending{
		Reason:  observe.Destroyed,
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
	if err != nil || !ended.Already && !c.t.e.Lifetimes.Revoked(b.base) {
		return err
	}
	b.reads.ended = b.reads.nonEmpty
	switch {
	case len(b.popped) == 0: // the intended result
		return nil
	case ended.AfterUnknown:
		return records.ErrGoneUnknown
	default:
		return records.ErrEnded
	}
}

// pendingDestroy returns what the commit has to end: the stored session; what an earlier
// Destroy has left to end; or, for an unknown session, only the cookie. The cookie of a
// tombstone stays, because the browser may already hold that of its successor.
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
		return &pendingDestroy{cookie: st.predecessor == nil && t.req.HasToken()}
	}
}

// destroyed records that b has ended. If another request had ended that session first,
// data that this request has read of it must not get into a new session.
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

// destroyedBefore reports whether b was marked for destruction before the closure of
// Session.Update ran. If not, the closure can run again and may not destroy the session
// then.
func (t *Txn) destroyedBefore(b *pendingDestroy) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.before == b
}

// endRivalsFor ends the sessions of the visitor's other cookies, provided that next can
// be saved.
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

// endRivals ends the rivals: the live sessions of which the request got none because
// there are several. Afterwards only the cookie that is about to be set counts, or none.
// It runs before a new session is stored, so that the new session does not compete with
// them for the owner's limit. If the commit then fails, nothing is lost, because rivals
// are not served anyway.
func (c *commit) endRivals() error {
	rivals := c.t.rivalsLeft()
	for i, r := range rivals {
		err := c.t.e.Owners.EndRival(c.Caller(), r.ID, r.Content, !c.t.req.HeaderSent())
		if err != nil && !errors.Is(err, records.ErrUnreadable) { // an unreadable one is not served beside a live one
			return fmt.Errorf("%w: another session of this browser could not be ended: %v", records.ErrUnavailable, err)
		}
		c.t.e.Owners.Remove(&c.Access, r.ID, r.Content)
		c.t.keepRivals(rivals[i+1:])
	}
	return nil
}

// rivalsLeft returns the rivals that have not been ended yet.
func (t *Txn) rivalsLeft() []Rival {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rivals
}

// keepRivals records that all rivals except left have ended.
func (t *Txn) keepRivals(left []Rival) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rivals = left
	t.req.ClearOthers()
}
