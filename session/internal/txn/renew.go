package txn

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// renew moves a stored session to a new ID. It inserts the new record first, and then
// writes a tombstone over the old one, which makes the renewal effective. Until then the
// old cookie works and the new one is not known to anybody, so a crash in between loses
// nothing.
func (c *commit) renew() error {
	if c.t.e.Lifetimes.Revoked(c.d.view.base) {
		return c.startOver()
	}
	if err := c.t.check(&c.d, c.d.view.base); err != nil {
		return err
	}
	next := c.content(&c.d, nil)
	c.UseReserve()
	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	r := &renewal{c, who, next}
	tombstone, err := c.Change(c.d.id, c.d.view.base, r)
	if err != nil {
		c.deleteNew(who, r.next)
		if errors.Is(err, records.ErrTombstone) {
			return c.startOver()
		}
		return err
	}
	d := &c.d
	c.t.committed(d, who, r.next)
	c.NoteEnd(d.id, tombstone, observe.Renewed)
	c.setCookie(value, r.next)
	c.t.e.Owners.Remove(&c.Access, d.id, d.view.base)
	return nil
}

// renewal is the records.Change that writes the tombstone of the old record.
type renewal struct {
	c         *commit
	successor identity
	next      *records.Content // of the successor
}

// Edit returns the tombstone. It names the successor, and is kept as long as the
// successor may live. It is not written for a visitor who has disconnected: the response
// with the new cookie would be lost, and the old cookie would be dead.
func (r *renewal) Edit(current *records.Content) (*records.Content, error) {
	c := r.c
	if c.t.e.Lifetimes.Revoked(current) {
		return nil, records.ErrTombstone
	}
	if current != c.d.view.base {
		if err := r.update(current); err != nil {
			return nil, err
		}
	}
	if err := c.hungUp(); err != nil {
		return nil, fmt.Errorf("not renewed: %w", err)
	}
	t := records.Tombstone(c.d.view.base, r.successor.id, false)
	if end := c.t.e.Lifetimes.End(r.next); end.After(t.Expires) {
		t.Expires = end
	}
	return t, nil
}

// Check returns the reason why the session cannot be renewed on top of current, or nil.
func (r *renewal) Check(current *records.Content, afterUnknown bool) error {
	return r.c.mayFollow(current, afterUnknown)
}

// update applies changes that were saved to the old record in the meantime to the new
// one.
func (r *renewal) update(current *records.Content) error {
	c := r.c
	if err := c.rebase(current); err != nil {
		return err
	}
	before := r.next
	r.next = c.content(&c.d, before)
	if err := c.prepare(r.successor.id, r.next, before); err != nil {
		return err
	}
	out, err := c.Save(r.successor.id, r.next, before.Version)
	if err == nil && !out.Landed {
		err = fmt.Errorf("%w: the record of the renewal is gone", records.ErrUnavailable)
	}
	return err
}

// startOver renews a session that another request has renewed or destroyed in the
// meantime, as in a login clicked twice. It creates an empty session under a new ID with
// the values that this request has set, and with no data of the old session. If the
// request has seen old data, its changes may contain some, at any isolation level. Then
// it cannot have a new session, since that would bring back data of a revoked session.
func (c *commit) startOver() error {
	if c.mode == updating {
		return errStartOver
	}
	if err := c.t.startOver(&c.d); err != nil {
		return err
	}
	c.t.takeSnapshot(&c.d)
	return c.create()
}

// startOver turns the session into one that is not stored, with only this request's
// changes.
func (t *Txn) startOver(d *snapshot) error {
	empty := records.NewContent(d.view.base.Format) // the format in which the changes are encoded
	fresh := *d
	fresh.base = empty // LevelStrict compares with the empty session, and not with the ended one
	if d.reads.nonEmpty || t.check(&fresh, empty) != nil {
		return records.ErrTombstone
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.identity, t.state.began = identity{predecessor: &predecessor{id: d.id}}, true
	return t.rebaseLocked(empty)
}
