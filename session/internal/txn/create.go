package txn

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxCreates is how often a new session is stored under another ID each time, after an
// unknown outcome.
const maxCreates = 4

// create stores a session that is not stored yet.
func (c *commit) create() error {
	d := &c.d
	if d.reads.ended || c.t.check(d, d.view.base) != nil {
		return records.ErrTombstone // the reads are of a session that another request has ended
	}
	if p := d.predecessor; p != nil && p.content != nil && !d.mayClaim(p.content) {
		return records.ErrTombstone
	}
	next := c.content(d, nil)
	if err := c.endRivalsFor(next); err != nil {
		return err
	}
	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	if err := c.claim(d, who); err != nil {
		c.deleteNew(who, next)
		return err
	}
	c.t.committed(d, who, next)
	c.setCookie(value, next)
	return nil
}

// insert stores next under a new ID, and returns that and the value of its cookie. An
// insert of unknown outcome that reads back absent may still arrive, and must not bring
// back what was destroyed meanwhile: it is left to nobody, and the next try has another
// ID.
func (c *commit) insert(next *records.Content) (identity, string, error) {
	for range maxCreates {
		var who identity
		who.token, who.id = c.t.e.NewToken()
		value, err := c.sign(who.token)
		if err != nil {
			return identity{}, "", err
		}
		landed, err := c.insertOnce(who.id, next)
		if err != nil || landed {
			return who, value, err
		}
	}
	return identity{}, "", fmt.Errorf("%w: a new record", records.ErrOutcomeUnknown)
}

func (c *commit) insertOnce(id string, next *records.Content) (landed bool, err error) {
	err = c.prepare(id, next, nil)
	if err == nil {
		var out records.Outcome[*records.Content]
		out, err = c.Save(id, next, 0)
		landed = out.Landed
	}
	if err != nil && !errors.Is(err, records.ErrOutcomeUnknown) {
		c.t.e.Owners.Withdraw(&c.Access, &c.entering, id, next.Owner)
	}
	if landed {
		c.t.e.Records.NoteCreated(id, next)
	}
	return landed, err
}

// deleteNew takes back the new record of a session that is not to be.
func (c *commit) deleteNew(who identity, next *records.Content) {
	if c.Delete(who.id) == nil && next.Owner != "" {
		c.t.e.Owners.Remove(&c.Access, next.Owner, who.id)
	}
}

// sign returns the value of the cookie that holds token, before anything is saved that
// would be lost without it.
func (c *commit) sign(token []byte) (string, error) {
	if c.t.req.HeaderSent() {
		return "", ErrHeaderSent
	}
	value, err := c.t.req.Sign(c.Context(), token)
	if err != nil {
		return "", records.Unavailable(err)
	}
	return value, nil
}

// persistentCookie returns the value of the cookie to send again, if d changes how long
// the browser is to keep it.
func (c *commit) persistentCookie(d *snapshot) (string, error) {
	if d.persist == nil {
		return "", nil
	}
	return c.sign(d.token)
}

func (c *commit) setCookie(value string, next *records.Content) {
	var persist time.Duration
	if !next.Deadline.IsZero() {
		persist = c.t.e.Lifetimes.End(next).Sub(records.Now()).Round(time.Second)
	}
	c.t.req.SetCookie(value, persist)
}
