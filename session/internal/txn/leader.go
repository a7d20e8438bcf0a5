package txn

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxGroup is the maximum number of commits that one save stores.
const maxGroup = 64

// maxClosures is how long a leader waits for the closures of others. It is shorter than
// maxWait, so that a closure that waits for something costs nobody else's turn.
const maxClosures = maxWait / 2

// group is what a leader saves together with its own changes. It is the records.Change of
// that save.
type group struct {
	leader   *commit
	id       string           // of the record
	mine     *records.Content // the content with the leader's changes alone
	in       []*follower      // whose changes are on top of that
	known    *records.Content // the newest stored content that is known, or nil
	sent     bool             // the content may be on its way to the store
	decided  bool             // the leader has left the group by its own fault, and decides nothing for the others
	returned bool             // from the save
}

// joins reports whether c may be saved together with others. LevelStrict merges nothing,
// a closure of Session.Update has to run again, and what changes the cookie or the owner
// takes more than one save.
func (c *commit) joins() bool {
	e, d := c.t.e, &c.d
	return !e.Records.InProcess() && e.Isolation != LevelStrict && c.mode != updating &&
		d.id != "" && !d.requested.any() && d.destroyed == nil
}

// change saves a change of a stored session, and returns the content with the changes of
// this commit. It returns nil if nothing is left to be saved.
func (c *commit) change() (*records.Content, error) {
	if !c.joins() {
		return c.alone()
	}
	if f := c.t.e.turns.enter(c); f != nil {
		return f.follow()
	}
	return c.lead(c.d.id, nil)
}

// alone is change without a group.
func (c *commit) alone() (*records.Content, error) {
	return c.Change(c.d.id, c.d.view.base, (*replacement)(c))
}

// lead is change with the turn of the record, which it passes on. Known is the newest
// content that is known to be stored, or nil.
func (c *commit) lead(id string, known *records.Content) (own *records.Content, err error) {
	g := groups.Get().(*group)
	*g = group{leader: c, id: id, known: known}
	defer g.passTurn()
	base := c.d.view.base
	if known == nil || records.Commits(known.Version) < records.Commits(base.Version) || !c.t.isSince(&c.d) || c.overCopy() { // over a copy, only what is read now will do
		known = base
	}
	if known != base {
		c.NoteConflict()
		if err := c.mayFollow(known, false); err != nil {
			return nil, err
		}
	}
	saved, err := c.Change(id, known, g)
	g.returned = true
	switch {
	case err == nil && saved != nil:
		g.known = saved
		g.tell(call{verb: callLanded})
		return g.mine, nil
	case err == nil || g.decided:
		return nil, err
	case len(g.in) > 0 && mayFitAlone(err):
		g.tell(call{verb: callAlone})
		g.known = nil // it is outdated
		return c.alone()
	default:
		g.tell(call{verb: callFailed, err: err})
		return nil, err
	}
}

// groups are groups for use, so that a save without followers allocates none.
var groups = sync.Pool{New: func() any { return new(group) }}

// mayFitAlone reports whether err, which has refused a group, may be due to the size of
// the others' changes.
func mayFitAlone(err error) bool {
	return !errors.Is(err, records.ErrOutcomeUnknown) &&
		(errors.Is(err, provider.ErrTooLarge) || errors.Is(err, provider.ErrFull) || errors.Is(err, provider.ErrInvalidRecord))
}

// tell tells all that are in the group, which then have left it.
func (g *group) tell(last call) {
	for _, f := range g.in {
		f.calls <- last
	}
	g.in = nil
}

// passTurn ends the turn. Followers whose changes were not saved for certain wait for the
// next. If the save has panicked, its outcome is unknown.
func (g *group) passTurn() {
	if g.sent && !g.returned {
		g.tell(call{verb: callFailed, err: fmt.Errorf("%w: the save has panicked", records.ErrOutcomeUnknown)})
	}
	turns := &g.leader.t.e.turns
	if len(g.in) > 0 {
		turns.putBack(g.id, g.leader, g.in...)
	}
	turns.pass(g.id, g.leader, g.known)
	*g = group{}
	groups.Put(g)
}

// Edit returns the content with the changes of the whole group on top of current.
func (g *group) Edit(current *records.Content) (*records.Content, error) {
	g.sent, g.known = false, current
	mine, err := (*replacement)(g.leader).Edit(current)
	if err != nil || mine == nil {
		g.decided = true
		return nil, err
	}
	g.mine = mine
	all := g.gather(current)
	if g.leader.t.e.Lifetimes.Revoked(current) { // while closures ran
		return nil, records.ErrTombstone
	}
	g.sent = true
	return all, nil
}

// Check returns why the leader cannot be saved on top of current. If the session has
// ended, that is so for the whole group.
func (g *group) Check(current *records.Content, afterUnknown bool) error {
	c := g.leader
	g.sent, g.known = false, current
	err := c.mayFollow(current, afterUnknown)
	switch {
	case err != nil:
		g.decided = current != nil && !current.Tombstone
	case c.Ticket() == nil: // it may wait in the queue, perhaps for a follower or for a handler that waits for one
		turns := &c.t.e.turns
		if len(g.in) > 0 {
			turns.putBack(g.id, nil, g.in...)
			g.in = nil
		}
		if queue.Busy(g.id) {
			turns.pass(g.id, c, nil)
		}
	}
	return err
}

// gather asks the followers, those first that were in the group before, to put their
// changes on top of the leader's. It returns the content of all.
func (g *group) gather(base *records.Content) *records.Content {
	turns := &g.leader.t.e.turns
	before, last := g.in, g.mine
	g.in = nil
	var limit <-chan time.Time
	for len(g.in) < maxGroup-1 {
		var f *follower
		if len(before) > 0 {
			f, before = before[0], before[1:]
		} else if f = turns.next(g.id, g.leader); f == nil {
			break
		}
		if limit == nil {
			limit = time.After(maxClosures)
		}
		f.calls <- call{verb: callApply, on: last, base: base}
		select {
		case next := <-f.answers:
			if next == nil {
				turns.putBack(g.id, g.leader, f)
				continue
			}
			last, g.in = next, append(g.in, f)
		case <-limit: // its closure takes too long
			f.calls <- call{verb: callAlone}
			turns.putBack(g.id, g.leader, before...)
			return last
		}
	}
	return last
}
