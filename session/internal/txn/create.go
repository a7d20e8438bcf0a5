package txn

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxCreates is the maximum number of attempts to store a new session, each under another
// ID, after an unknown outcome.
const maxCreates = 4

// create stores a session that is not stored yet.
func (c *commit) create() error {
	d := &c.d
	if err := c.t.e.current(); err != nil {
		return err
	}
	if c.t.refusal != nil && !d.renew {
		return c.t.refusal
	}
	if d.reads.ended || c.t.check(d, d.view.base) != nil {
		return records.ErrTombstone // another request has ended the session that was read
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
	c.t.e.Observer.Report(c.Context(), observe.Event{Op: observe.Create, PublicID: who.id, Owner: next.Owner})
	c.setCookie(value, next)
	return nil
}

// insert stores next under a new ID, and returns the ID and the value of its cookie. If
// an insert of unknown outcome reads back as absent, it may still arrive, and must not
// bring back a session that was destroyed in the meantime. So that ID is abandoned, and
// the next try uses another one.
func (c *commit) insert(next *records.Content) (identity, string, error) {
	for range maxCreates {
		var who identity
		who.token, who.id = c.t.e.NewToken()
		value, err := c.sign(who.token, 0)
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
		c.t.e.Owners.Withdraw(&c.Access, &c.entering, id, next)
	}
	if landed {
		c.t.e.Records.NoteCreated(id, next)
	}
	return landed, err
}

// deleteNew deletes the new record of a session whose creation or renewal has failed.
func (c *commit) deleteNew(who identity, next *records.Content) {
	if c.Delete(who.id) == nil {
		c.t.e.Owners.Remove(&c.Access, who.id, next)
	}
}

// sign returns the value of the cookie of that index that holds token. It is called before
// the save that depends on the cookie.
func (c *commit) sign(token []byte, index uint64) (string, error) {
	if c.t.req.HeaderSent() {
		return "", ErrHeaderSent
	}
	value, err := c.t.req.Sign(c.Context(), token, index)
	if err != nil {
		return "", records.Unavailable(err)
	}
	return value, nil
}

// setCookie sends the cookie of that value for next.
func (c *commit) setCookie(value string, next *records.Content) {
	c.setCookieUntil(value, next, 0)
}

// setCookieUntil is setCookie for a response that begins before until, if that is not zero.
func (c *commit) setCookieUntil(value string, next *records.Content, until envelope.Time) {
	var persist time.Duration
	if !next.Deadline.IsZero() {
		persist = c.t.e.Lifetimes.End(next).Sub(records.Now()).Round(time.Second)
	}
	c.t.req.SetToken(value, persist, until.Std())
}
