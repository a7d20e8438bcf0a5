package txn

import (
	"bytes"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
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
	gone     bool                  // its goroutine has panicked or ended
	stored   *records.Content      // the base before it followed anybody
	on       *records.Content      // the base in the group
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
	over := false
	defer func() {
		if !over { // a closure has panicked
			f.c.t.e.turns.leave(f)
		}
	}()
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
			next, err := f.end(call)
			over = true
			return next, err
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
	if !c.t.isSince(d) || c.t.check(d, on) != nil || !f.putOn(on) {
		return nil
	}
	if !c.joins() || !d.needed() || c.t.check(d, on) != nil {
		return nil
	}
	if c.prepareCookie() != nil {
		return nil
	}
	next := c.content(d, base)
	if c.t.e.fits(next) != nil {
		return nil
	}
	c.NoteConflict()
	return next
}

// putOn is a rebase on what is not stored: an error of a closure does not count.
func (f *follower) putOn(on *records.Content) bool {
	c := f.c
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	f.forgetReads(f.on)
	if c.rebaseBy(c.t.putOn, on) != nil {
		f.forgetReads(on)
		return false
	}
	f.on = on
	return true
}

// forgetReads makes what closures have read of the group what they will read of the stored
// content.
func (f *follower) forgetReads(on *records.Content) {
	rows := f.c.t.state.reads.keys.rows
	for i := range rows {
		if r := &rows[i].value; on != nil && r.soft && r.from == on {
			r.from = f.stored
		}
	}
}

// restore puts the changes back on the content that they were on before, because nothing
// of a group that was not saved may be seen.
func (f *follower) restore() {
	t, on := f.c.t, f.on
	if f.on = nil; on == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f.forgetReads(on)
	stored := f.stored
	if b := t.state.view.base; t.state.id == f.id && b != on {
		stored = withAdopted(stored, on, b)
	}
	_ = f.c.rebaseBy(t.rebaseLocked, stored) // an error is kept, and fails the commit
}

// withAdopted returns c with the values that a Refresh of the request has put into after,
// which was before.
func withAdopted(c, before, after *records.Content) *records.Content {
	var edits []envelope.Edit
	for name, value := range after.Entries.All() {
		if old, ok := before.Entries.Find(string(name)); !ok || !bytes.Equal(old, value) {
			edits = append(edits, envelope.Edit{Name: string(name), Value: value})
		}
	}
	for name := range before.Entries.All() {
		if _, ok := after.Entries.Find(string(name)); !ok {
			edits = append(edits, envelope.Edit{Name: string(name), Remove: true})
		}
	}
	adopted := *c
	adopted.Entries = c.Entries.With(edits)
	return &adopted
}
