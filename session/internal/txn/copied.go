package txn

// SetCopied says that the session, as it was passed to Begin, is a copy that the store may
// have a newer version of. It is called before t is used.
func (t *Txn) SetCopied() { t.copied = t.state.view.base }

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
