package txn

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// renew moves a stored session to a new ID. The new record is inserted first and a
// tombstone written over the old one second, which decides: until then the old cookie
// works and the new one is known to nobody, so a crash in between loses nothing.
func (c *commit) renew() error {
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
	if _, err = c.Change(c.d.id, c.d.view.base, r); err != nil {
		c.deleteNew(who, r.next)
		if errors.Is(err, records.ErrTombstone) {
			return c.startOver()
		}
		return err
	}
	d := &c.d
	c.t.committed(d, who, r.next)
	c.setCookie(value, r.next)
	if old := d.view.base.Owner; old != "" {
		c.t.e.Owners.Remove(&c.Access, old, d.id)
	}
	return nil
}

// renewal is the records.Change that writes the tombstone of the old record.
type renewal struct {
	c         *commit
	successor identity
	next      *records.Content // of the successor
}

// Edit returns the tombstone. It names the successor, and stays as long as that may live.
// It is not written for a visitor who has hung up: the response with the new cookie would
// be lost, and the old cookie dead.
func (r *renewal) Edit(current *records.Content) (*records.Content, error) {
	c := r.c
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

// Check returns why the session cannot be renewed on top of current.
func (r *renewal) Check(current *records.Content, afterUnknown bool) error {
	return r.c.mayFollow(current, afterUnknown)
}

// update brings the new record up to what was saved to the old one meanwhile.
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

// startOver is a renewal of what another request has renewed or destroyed meanwhile, such
// as a login clicked twice: an empty session under an ID of its own with what this request
// has set, and nothing of the old data. What the request has seen of them it may have in
// its changes, whatever the level, so that it cannot have a session of its own: a session
// that was revoked would come back.
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

// startOver makes the session one that is not stored, with only this request's changes.
func (t *Txn) startOver(d *snapshot) error {
	empty := records.NewContent(d.view.base.Format) // the changes are encoded in it
	if d.reads.nonEmpty || t.check(d, empty) != nil {
		return records.ErrTombstone
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.identity, t.state.began = identity{predecessor: &predecessor{id: d.id}}, true
	return t.rebaseLocked(empty)
}
