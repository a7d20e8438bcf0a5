package txn

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// follower is a commit that waits while another commit of its record has the turn. All of
// it runs in the goroutine of its own request, so that a closure that panics does so
// there.
type follower struct {
	c        *commit
	id       string                // of the record; a Destroy meanwhile takes it from the commit
	number   int64                 // in the order of arrival
	passedBy *commit               // the leader that could not take it along
	calls    chan call             // of the leader
	answers  chan *records.Content // to callApply; nil: not in the group
	stored   *records.Content      // the base before it followed anybody
	next     *records.Content      // its content in the group
}

// call is what a leader tells a follower.
type call struct {
	verb callVerb
	on   *records.Content // callApply: the content to follow; callLead: the newest one that is known, or nil
	base *records.Content // callApply: the stored content that the group replaces
	err  error            // callFailed
}

type callVerb uint8

const (
	callApply  callVerb = iota // to put the changes on top of those of the group
	callLanded                 // the group was saved
	callFailed                 // it was not, or that is unknown
	callAlone                  // to commit without a group
	callLead                   // it is the follower's turn
)

func newFollower(c *commit, number int64) *follower {
	return &follower{
		c: c, id: c.d.id, number: number, stored: c.d.view.base,
		calls:   make(chan call, 2), // callAlone may come before callApply was answered
		answers: make(chan *records.Content, 1),
	}
}

// follow waits until the changes were saved by a leader, or until it is the commit's own
// turn. It returns the content that has the changes of this commit and of those before
// it in the group.
func (f *follower) follow() (*records.Content, error) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	for {
		select {
		case call := <-f.calls:
			if call.verb == callApply {
				f.answer(call)
				timer.Reset(maxWait)
				continue
			}
			return f.end(call)
		case <-timer.C:
			timer.Reset(f.c.t.e.turns.overtake(f))
		}
	}
}

// end does what the last call of a leader says.
func (f *follower) end(call call) (*records.Content, error) {
	c := f.c
	if call.verb == callLanded {
		c.joined = true
		return f.next, nil
	}
	f.restore()
	switch call.verb {
	case callFailed:
		c.joined = true
		return nil, call.err
	case callLead:
		c.Restart()
		return c.lead(f.id, call.on)
	default:
		c.Restart()
		return c.alone()
	}
}

// answer tells the leader the content with the changes of this commit, or nil if it has to
// be left out, also if a closure panics.
func (f *follower) answer(call call) {
	f.next = nil
	defer func() { f.answers <- f.next }()
	f.next = f.apply(call.on, call.base)
	if f.next == nil {
		f.restore()
	}
}

// apply returns the content that follows on in a group that replaces base. It returns nil
// if the changes cannot be put on top of on, or change nothing there. That is not the
// verdict on the commit: on is not stored yet, and may never be.
func (f *follower) apply(on, base *records.Content) *records.Content {
	c, d := f.c, &f.c.d
	if !c.t.isSince(d) || c.t.check(d, on) != nil || c.rebase(on) != nil {
		return nil
	}
	if !c.joins() || !d.needed() || c.t.check(d, on) != nil {
		return nil
	}
	next := c.content(d, base)
	if c.t.e.fits(next) != nil {
		return nil
	}
	c.NoteConflict()
	return next
}

// restore puts the changes back on the content that they were on before, because nothing
// of a group that was not saved may be seen.
func (f *follower) restore() {
	if c := f.c; c.d.view.base != f.stored {
		_ = c.rebase(f.stored) // an error is kept, and fails the commit
	}
}
