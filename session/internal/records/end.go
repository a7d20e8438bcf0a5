package records

import (
	"errors"

	"github.com/holdfast-go/holdfast/session/internal/observe"
)

// maxSuccessors limits how many renewals are followed to end a session.
const maxSuccessors = 64

// Ending says how a session is ended.
type Ending struct {
	// Reason is what the Observer is told; "": nothing, because nobody has the session.
	Reason observe.EndReason

	// Outside reports whether the session is ended from outside: no response that changes
	// the browser's cookie is under way.
	Outside func() bool

	// Spares, if not nil, reports whether the session that is stored under that ID as c must
	// not be ended.
	Spares func(id string, c *Content) bool

	// Check, if not nil, returns an error if the session cannot be ended in its stored
	// state.
	Check func(c *Content) error

	// Contended, if not nil, returns an error if the session cannot be ended because another
	// commit was first.
	Contended func() error
}

// Ended describes the session that was to be ended, as it was found.
type Ended struct {
	Already      bool // another commit had ended it, or it has expired
	AfterUnknown bool // it may have been ended by this commit's attempt of unknown outcome
	Lost         bool // it was renewed, and its successor is not stored
}

// errMoved tells EndLast that the record no longer holds a live session.
var errMoved = errors.New("records: no live session")

// EndLast writes a tombstone over the record of that ID, which holds base. If the session
// was renewed, it does so for the last successor. It uses compare-and-swap, like any
// other change: after an unconditional delete, a request that has loaded the session, or
// a renewal, could bring it back.
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
			tombstone, err := a.Change(id, base, to)
			if err == nil && tombstone != nil {
				a.NoteEnd(id, tombstone, how.Reason)
			}
			base, ended.AfterUnknown = to.current, to.afterUnknown
			if !errors.Is(err, errMoved) {
				return ended, err
			}
		}
	}
	return ended, errContention(a.Conflicts())
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

// NoteEnd reports to the Observer that the session of that ID has ended with a tombstone.
func (a *Access) NoteEnd(id string, tombstone *Content, reason observe.EndReason) {
	if reason == "" {
		return
	}
	a.store.opts.Observer.Report(a.Context(), observe.Event{
		Op: observe.End, PublicID: id, Owner: tombstone.Owner, EndReason: reason, Successor: tombstone.Successor,
	})
}

// Successors returns the IDs under which the session of that ID was stored, which are id
// itself and those that it was renewed to, and the content under the last one. That is nil
// if there is no such record.
func (a *Access) Successors(id string) (ids []string, last *Content, err error) {
	ids = []string{id}
	for range maxSuccessors {
		if id == "" {
			break
		}
		found, err := a.Fetch(id)
		if err != nil {
			return nil, nil, err
		}
		if found == nil || !found.Tombstone || found.Successor == "" {
			return ids, found, nil
		}
		id = found.Successor
		ids = append(ids, id)
	}
	return ids, nil, nil
}
