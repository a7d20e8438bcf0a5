package records

import "errors"

// maxSuccessors bounds the renewals that are followed to end a session.
const maxSuccessors = 64

// Ending is how a session is ended.
type Ending struct {
	// Outside reports whether no response is under way that changes the browser's
	// cookie.
	Outside func() bool

	// Spares, if there is one, reports whether the session that is stored under that ID
	// as c must not be ended.
	Spares func(id string, c *Content) bool

	// Check, if there is one, returns an error if the session cannot be ended as it is
	// stored now.
	Check func(c *Content) error

	// Contended, if there is one, returns an error if the session cannot be ended since
	// another commit was first.
	Contended func() error
}

// Ended tells how a session was found that is ended now.
type Ended struct {
	Already      bool // another commit had ended it, or it has expired
	AfterUnknown bool // if so: that may have been an attempt of unknown outcome
	Lost         bool // it was renewed, and its successor is not there
}

// errMoved tells EndLast that the record is not that of a live session any more.
var errMoved = errors.New("records: no live session")

// EndLast writes a tombstone over the record of that ID, which holds base; if the session
// was renewed, over that of its last successor. It does so by compare-and-swap, like any
// other change: an unconditional delete would let a request that has loaded the session,
// or a renewal, bring it back.
func (a *Access) EndLast(id string, base *Content, how Ending) (Ended, error) {
	var ended Ended
	for range maxSuccessors {
		switch {
		case base == nil || base.Tombstone && base.Successor == "":
			ended.Already = true
			return ended, nil
		case how.spares(id, base):
			return ended, nil
		case base.Tombstone:
			id = base.Successor
			found, err := a.Fetch(id)
			if err != nil {
				return ended, err
			}
			base, ended.Lost = found, found == nil
		default:
			to := &ending{how: &how, id: id}
			_, err := a.Change(id, base, to)
			base, ended.AfterUnknown = to.current, to.afterUnknown
			if !errors.Is(err, errMoved) {
				return ended, err
			}
		}
	}
	return ended, errContention(a.conflicts)
}

func (e *Ending) spares(id string, c *Content) bool { return e.Spares != nil && e.Spares(id, c) }

// ending is the Change that writes a tombstone over one record.
type ending struct {
	how          *Ending
	id           string
	current      *Content // that another commit has saved
	afterUnknown bool
}

// Edit implements Change. It returns nil for a session that is spared.
func (e *ending) Edit(current *Content) (*Content, error) {
	if e.how.spares(e.id, current) {
		return nil, nil
	}
	if e.how.Check != nil {
		if err := e.how.Check(current); err != nil {
			return nil, err
		}
	}
	return Tombstone(current, "", e.how.Outside()), nil
}

// Check implements Change.
func (e *ending) Check(current *Content, afterUnknown bool) error {
	e.current, e.afterUnknown = current, afterUnknown
	switch {
	case current == nil || current.Tombstone:
		return errMoved
	case e.how.Contended != nil:
		return e.how.Contended()
	}
	return nil
}

// Successors returns the IDs that the session of that ID was renewed to, as far as it
// was: the first is id itself.
func (a *Access) Successors(id string) ([]string, error) {
	ids := []string{id}
	for range maxSuccessors {
		if id == "" {
			break
		}
		found, err := a.Fetch(id)
		if err != nil {
			return nil, err
		}
		if found == nil || !found.Tombstone || found.Successor == "" {
			break
		}
		id = found.Successor
		ids = append(ids, id)
	}
	return ids, nil
}
