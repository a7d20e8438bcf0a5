package records

// Change computes a value from the one it replaces. It is repeated until a save succeeds.
type Change[V Value] interface {
	// Edit returns the value that replaces current, or nil to save nothing.
	Edit(current V) (V, error)

	// Check returns an error if the change cannot be made on top of current, which another
	// commit has saved. AfterUnknown means that an attempt had an unknown outcome and was
	// not saved. Check is called before the change joins the queue, and again if it had to
	// wait.
	Check(current V, afterUnknown bool) error
}

// Edit is a Change that can be made on top of any value.
type Edit[V Value] func(current V) (V, error)

// Edit implements Change.
func (e Edit[V]) Edit(current V) (V, error) { return e(current) }

// Check implements Change.
func (e Edit[V]) Check(V, bool) error { return nil }

// Change saves the result of c for the value under id, by compare-and-swap, and returns
// it. The first try replaces base, which is nil if there is no record. Change returns nil
// if Edit did, and returns the errors of Edit and Check. After a conflict it joins the
// queue of the record.
func (k Kind[V]) Change(a *Access, id string, base V, c Change[V]) (saved V, err error) {
	return k.change(a, id, base, c, true)
}

// ChangeUnqueued is Change without a place in the queue.
func (k Kind[V]) ChangeUnqueued(a *Access, id string, base V, edit Edit[V]) (saved V, err error) {
	return k.change(a, id, base, edit, false)
}

func (k Kind[V]) change(a *Access, id string, current V, c Change[V], queued bool) (saved V, err error) {
	var none V
	for tries := 1; ; tries++ {
		next, err := c.Edit(current)
		if err != nil || next == none {
			return none, err
		}
		out, err := k.Save(a, id, next, current.VersionNumber())
		switch {
		case err != nil:
			return none, err
		case out.Landed:
			return next, nil
		}
		if err := c.Check(out.Current, out.AfterUnknown); err != nil {
			return none, err
		}
		current = out.Current
		again := a.backOffAfter
		if queued {
			again = a.queueUp
		}
		waited, err := again(id, tries)
		if waited && err == nil {
			current, err = k.refetch(a, id, c)
		}
		if err != nil {
			return none, err
		}
	}
}

// refetch returns the value on which c is tried again after a wait.
func (k Kind[V]) refetch(a *Access, id string, c Change[V]) (V, error) {
	current, err := k.Fetch(a, id)
	if err == nil {
		err = c.Check(current, false)
	}
	return current, err
}
