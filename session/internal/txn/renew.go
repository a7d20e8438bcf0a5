package txn

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// renew moves a stored session to a new ID. The new record is inserted first and a
// tombstone written over the old one second, which decides: until then the old cookie
// works and the new one is known to nobody, so a crash in between loses nothing.
func (c *commit) renew(d *snapshot) error {
	if err := c.t.check(d, d.view.base); err != nil {
		return err
	}
	next := c.content(d, nil)
	c.UseReserve()
	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	_, err = c.Change(records.Change[*records.Content]{
		ID: d.id, Base: d.view.base,
		Check: func(current *records.Content, afterUnknown bool) error { return c.mayFollow(d, current, afterUnknown) },
		Edit: func(current *records.Content) (*records.Content, error) {
			if current != d.view.base {
				var err error
				if d, next, err = c.renewAgain(who, next, current); err != nil {
					return nil, err
				}
			}
			return c.retireOld(d, who, next)
		},
	})
	if err != nil {
		c.deleteNew(who, next)
		if errors.Is(err, records.ErrTombstone) {
			return c.startOver(d)
		}
		return err
	}
	c.t.committed(d, who, next)
	c.setCookie(value, next)
	if old := d.view.base.Owner; old != "" {
		c.t.e.Owners.Remove(&c.Access, old, d.id)
	}
	return nil
}

// retireOld returns the tombstone of the old record. It names its successor, and stays as
// long as that may live. It is not written for a visitor who has hung up: the response
// with the new cookie would be lost, and the old cookie dead.
func (c *commit) retireOld(d *snapshot, successor identity, next *records.Content) (*records.Content, error) {
	if err := c.hungUp(); err != nil {
		return nil, fmt.Errorf("not renewed: %w", err)
	}
	t := records.Tombstone(d.view.base, successor.id, false)
	if end := c.t.e.Lifetimes.End(next); end.After(t.Expires) {
		t.Expires = end
	}
	return t, nil
}

// renewAgain brings the new record up to what was saved to the old one meanwhile.
func (c *commit) renewAgain(who identity, next, current *records.Content) (*snapshot, *records.Content, error) {
	err := c.t.rebase(current)
	d := c.t.snapshot()
	if err != nil {
		return d, next, err
	}
	newer := c.content(d, next)
	if err := c.prepare(who.id, newer, next); err != nil {
		return d, newer, err
	}
	out, err := c.Save(who.id, newer, next.Version)
	if err == nil && !out.Landed {
		err = fmt.Errorf("%w: the record of the renewal is gone", records.ErrUnavailable)
	}
	return d, newer, err
}

// startOver is a renewal of what another request has renewed or destroyed meanwhile, such
// as a login clicked twice: an empty session under an ID of its own with what this request
// has set, and nothing of the old data. What the request has seen of them it may have in
// its changes, whatever the level, so that it cannot have a session of its own: a session
// that was revoked would come back.
func (c *commit) startOver(d *snapshot) error {
	if c.mode == updating {
		return errStartOver
	}
	if err := c.t.startOver(d); err != nil {
		return err
	}
	return c.create(c.t.snapshot())
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
