package records

// Change is a value that is made of the one it replaces, again and again until it lands.
type Change[V Value] struct {
	ID   string
	Base V // that the first try replaces; nil: none

	// Edit returns the value that is to replace current, nil to save nothing.
	Edit func(current V) (V, error)

	// Check, if there is one, returns an error if the change can not be made on top of
	// current, which another commit has saved. AfterUnknown means that an attempt had an
	// unknown outcome and has not landed. It is called before the change queues up, and
	// again if it had to wait.
	Check func(current V, afterUnknown bool) error

	// Unqueued makes the change compete without a place in the queue: its caller holds
	// one of another record.
	Unqueued bool
}

// Do saves what c.Edit makes of the stored value, by compare-and-swap, and returns it. It
// returns nil if Edit did, and the error of Edit or Check.
func (k Kind[V]) Do(a *Access, c Change[V]) (saved V, err error) {
	var none V
	current := c.Base
	for tries := 1; ; tries++ {
		next, err := c.Edit(current)
		if err != nil || next == none {
			return none, err
		}
		out, err := k.Save(a, c.ID, next, current.VersionNumber())
		switch {
		case err != nil:
			return none, err
		case out.Landed:
			return next, nil
		}
		if current, err = k.follow(a, c, out, tries); err != nil {
			return none, err
		}
	}
}

// follow returns the value to try c again on, after a conflict.
func (k Kind[V]) follow(a *Access, c Change[V], out Outcome[V], tries int) (current V, err error) {
	if err := c.check(out.Current, out.AfterUnknown); err != nil {
		return current, err
	}
	if a.exhausted(a.now()) {
		return current, errContention(tries)
	}
	if c.Unqueued {
		if !a.backOff(tries) {
			return current, errContention(tries)
		}
		return out.Current, nil
	}
	a.conflicts++
	if !a.yield(c.ID) {
		return out.Current, nil
	}
	if current, err = k.Fetch(a, c.ID); err == nil {
		err = c.check(current, false)
	}
	return current, err
}

func (c *Change[V]) check(current V, afterUnknown bool) error {
	if c.Check == nil {
		return nil
	}
	return c.Check(current, afterUnknown)
}
