package txn

import "github.com/holdfast-go/holdfast/session/internal/records"

// SetCopied says that the session, as it was passed to Begin, is a copy that the store may
// have a newer version of. It is called before t is used.
func (t *Txn) SetCopied() { t.others = &others{copied: t.state.view.base} }

// keepCopied says that next, which takes the place of base in t, has no more of what the
// store has than base: if base is a copy, so is next. It is called with the lock.
func (t *Txn) keepCopied(base, next *records.Content) {
	if t.copied != nil && t.copied == base {
		t.copied = next
	}
}

// overCopy reports whether the commit asks for what a copy already has, such as a Delete of
// a key that it lacks. Other requests may have changed that since, and were answered before
// this one began.
func (c *commit) overCopy() bool {
	return c.t.copied != nil && c.t.copied == c.d.view.base && c.d.asks()
}

// replaceNewest commits on top of what is stored.
func (c *commit) replaceNewest() error {
	newest, err := c.Fetch(c.d.id)
	if err == nil {
		err = c.mayFollow(newest, false)
	}
	if err != nil {
		return err
	}
	return c.replaceOver(newest)
}
