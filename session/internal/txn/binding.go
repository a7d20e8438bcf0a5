package txn

import (
	"cmp"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// HasOffered reports whether a commit of the request has offered to bind the session to a
// device. The offer counts only if the content that is stored has it.
func (t *Txn) HasOffered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offered
}

// otherOwner reports whether d gives the session another owner.
func (d *snapshot) otherOwner() bool { return d.owner != nil && *d.owner != d.view.base.Owner }

// rebind sets the binding of next, which continues the base. A renewal takes the key of the
// device along. A session that is renewed without one is offered a binding. So is a bound
// session that gets another owner: the key may be that of somebody else.
func (c *commit) rebind(next *records.Content) {
	d := &c.d
	if !d.renew && !d.otherOwner() {
		return
	}
	switch b := next.Fields.Binding(); {
	case b.Bound && !d.otherOwner():
		b.BoundAs = cmp.Or(b.BoundAs, d.id)
		next.Fields = next.Fields.WithBinding(b)
	case c.t.e.Offered != nil && c.t.req.OffersBinding() && (d.renew || b.Bound):
		next.Fields = c.t.e.Offered(next.Fields)
		c.t.noteOffer()
	case b.Bound:
		next.Fields = next.Fields.WithBinding(envelope.Binding{})
	}
}

func (t *Txn) noteOffer() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offered = true
}

// mayRebind returns ErrHeaderSent if d gives a bound session another owner when it is too
// late to ask the browser for another key.
func (c *commit) mayRebind() error {
	d := &c.d
	if d.otherOwner() && c.t.e.Offered != nil && c.t.req.HeaderSent() && d.view.base.Fields.Binding().Bound {
		return ErrHeaderSent
	}
	return nil
}

// keepBoundAs keeps the session in reach of the browser that it is bound to. The browser
// knows the ID under which it has registered its key, whatever the session is renewed to.
// Before the session is renewed again, or given more time, the tombstone of that ID is made
// to name the present record, and to last as long as next may. So the way from there takes
// two steps, whatever the number of renewals, and no renewal takes effect without it.
func (c *commit) keepBoundAs(next *records.Content) error {
	limits, d := &c.t.e.Lifetimes, &c.d
	end := limits.End(next)
	if !d.renew && !end.After(limits.End(d.view.base)) {
		return nil
	}
	from := next.Fields.Binding().BoundAs
	if from == "" || from == d.id { // the first renewal: its tombstone is that of the ID
		return nil
	}
	tombstone, err := c.Fetch(from)
	if err != nil {
		return err
	}
	_, err = c.ChangeUnqueued(from, tombstone, func(current *records.Content) (*records.Content, error) {
		if current == nil || current.Successor == "" || current.Successor == d.id && !end.After(current.Expires) {
			return nil, nil
		}
		return records.Redirected(current, d.id, end), nil
	})
	return err
}
