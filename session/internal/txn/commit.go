package txn

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Mode says who asked for a commit.
type Mode uint8

const (
	Auto     Mode = iota // when the response begins or the handler has returned
	Explicit             // Session.Save
	updating             // Session.Update: its closure runs again on any concurrent change
)

// These errors tell Session.Update that its closure has to run again: on the newest
// session, or on an empty one if its Renew has lost to another.
var (
	errRerun     = errors.New("session: a parallel request was first")
	errStartOver = fmt.Errorf("%w and renewed or destroyed the session", errRerun)
)

// commit is one attempt to store the request's changes. While other commits come first,
// it is rebased on what they have saved and tries again.
type commit struct {
	records.Access
	t        *Txn
	route    string // that the Observer is told of
	mode     Mode
	joined   bool // the save of another commit has stored it, or has failed to
	entering owners.Entering
	d        snapshot      // that is being stored
	rotation rotating      // what the save does to the rotation of the session
	value    string        // of the cookie that is to be set with it, "" for none
	until    envelope.Time // when that cookie is too old to be sent; zero: never
}

// Commit stores the changes. Only one commit of a transaction runs at a time.
func (t *Txn) Commit(ctx context.Context, mode Mode) error { return t.commit(ctx, mode, "") }

// CommitResponse is Commit when the response begins or the handler has returned, for a
// request of that route.
func (t *Txn) CommitResponse(ctx context.Context, route string) error {
	return t.commit(ctx, Auto, route)
}

func (t *Txn) commit(ctx context.Context, mode Mode, route string) error {
	if t.idle() {
		if mode == Explicit { // all is well again, should an Update have failed before
			t.recordResult(nil, mode)
		}
		return nil
	}
	if err := t.lockCommit(ctx); err != nil {
		return err
	}
	defer t.unlockCommit()
	return t.commitLocked(ctx, mode, route)
}

// commitLocked is Commit with the commit lock held.
func (t *Txn) commitLocked(ctx context.Context, mode Mode, route string) error {
	ticket, err := t.previousResult()
	if err != nil {
		return t.refused(ctx, err)
	}
	c := &commit{t: t, Access: t.e.Records.Access(ctx, ticket), mode: mode, route: route}
	var again bool
	defer func() { c.leaveQueue(again) }()
	err = c.run()
	again = errors.Is(err, errRerun) || t.req.RunsAgain() && errors.Is(err, ErrConflict)
	t.recordResult(err, mode)
	return err
}

// leaveQueue gives up the place in the queue, or passes it on to the next try.
func (c *commit) leaveQueue(again bool) {
	if !again {
		c.Leave()
	}
	c.t.keepTicket(c.Ticket())
}

func (c *commit) run() error {
	d := &c.d
	c.t.takeSnapshot(d)
	if d.encoding != nil {
		return c.observe(observe.Save, "", func() error { return d.encoding })
	}
	if err := c.t.e.current(); err != nil {
		return c.observe(observe.Save, "", func() error { return err })
	}
	if b := d.destroyed; b != nil {
		if err := c.destroy(b); err != nil {
			return err
		}
		c.t.takeSnapshot(d)
	}
	if !d.needed() && c.overCopy() {
		return c.observe(observe.Save, "", c.replaceNewest)
	}
	if !d.needed() {
		if err := c.noop(); err != nil {
			return c.observe(observe.Save, "", func() error { return err })
		}
		c.touch()
		return nil
	}
	op := observe.Save
	if d.renew {
		op = observe.Renew
	}
	return c.observe(op, "", c.store)
}

func (c *commit) store() error {
	switch d := &c.d; {
	case d.id == "":
		err := c.create()
		if (errors.Is(err, records.ErrTombstone) || c.t.refusal != nil && errors.Is(err, c.t.refusal)) && d.mayBeLost() {
			c.t.committedNoop(d)
			return nil
		}
		return err
	case d.renew:
		return c.renew()
	default:
		return c.replace()
	}
}

// observe runs do, and reports its result to the Observer under that public ID; "" means
// that of c.t after do. It reports nothing if an Update's closure has to run again,
// because the commit has not ended then.
func (c *commit) observe(op observe.Op, publicID string, do func() error) error {
	event, before := c.t.e.Observer.Begin(op), c.Conflicts()
	err := do()
	if event.Op == "" || errors.Is(err, errRerun) {
		return err
	}
	event.PublicID, event.Attempts, event.Err = cmp.Or(publicID, c.t.PublicID()), 1+c.Conflicts()-before, err
	event.Joined = c.joined
	event.Route = c.route
	c.t.e.Observer.End(c.Context(), event)
	return err
}

// noop commits a snapshot that changes nothing, such as a Delete of a key that another
// request has deleted. Nothing is saved, but the reads must still be valid.
func (c *commit) noop() error {
	d := &c.d
	if !d.asks() {
		return nil
	}
	if c.t.e.Lifetimes.Revoked(d.view.base) && d.id != "" {
		return records.ErrTombstone
	}
	if err := c.t.check(d, d.view.base); err != nil {
		return err
	}
	c.t.committedNoop(d)
	return nil
}

// content returns the content that d saves in place of prev. Prev is the view's base or,
// in a renewal, the present content of the new record, which is nil at first.
func (c *commit) content(d *snapshot, prev *records.Content) *records.Content {
	limits := &c.t.e.Lifetimes
	next := records.Follow(d.view.base)
	before := d.view.base.Expires
	if d.view.base.Version == 0 {
		next.Fields = next.Fields.WithEpoch(c.t.e.Epochs.Known())
	}
	if d.renew || d.view.base.Version == 0 {
		records.Restart(next)
		before = 0
	}
	if d.renew {
		records.Authenticate(next)
	}
	if d.relimits() {
		next.Fields = d.limits.On(next.Fields)
		before = 0
	}
	if d.persist != nil {
		before = limits.Persist(next, *d.persist, before)
	}
	if d.owner != nil {
		next.Owner = *d.owner
	}
	if len(d.labels) > 0 {
		next.Fields = next.Fields.WithLabels(d.withLabels(next.Fields.Labels()))
	}
	next.Fields = c.rotation.on(next.Fields, d.renew)
	c.rebind(next)
	next.Expires = limits.Expiry(next, next.Seen, before)
	if d.persist == nil && !before.IsZero() && c.t.req.Passive() {
		next.Seen, next.Expires = d.view.base.Seen, records.Earlier(before, limits.End(next))
	}
	var room [8]envelope.Edit
	next.EncodeAfter(prev, d.view.kept(), d.view.edits(room[:0]))
	return next
}

// replace commits a change of a stored session.
func (c *commit) replace() error { return c.replaced(c.change()) }

// replaceOver is replace over the content as last known, without a group.
func (c *commit) replaceOver(known *records.Content) error {
	return c.replaced(c.Change(c.d.id, known, (*replacement)(c)))
}

// replaced is called when next was saved; it is nil if nothing was left to be saved.
func (c *commit) replaced(next *records.Content, err error) error {
	d := &c.d
	switch {
	case err != nil:
		return err
	case next == nil:
		c.t.committedNoop(d)
		return nil
	}
	c.t.committed(d, c.afterRotation(d.identity), next)
	c.t.e.Owners.RemoveBefore(&c.Access, d.id, d.view.base, next)
	c.t.e.Owners.ReenterIfDue(&c.Access, d.id, d.view.base, next)
	c.sendCookie(next)
	return nil
}

// replacement is the records.Change of a commit that replaces the content of a session.
type replacement commit

// Edit returns the session on top of current, or nil if nothing is left to be saved.
func (r *replacement) Edit(current *records.Content) (*records.Content, error) {
	c, d := (*commit)(r), &r.d
	if c.t.e.Lifetimes.Revoked(current) {
		return nil, records.ErrTombstone
	}
	if current != d.view.base {
		if err := c.rebase(current); err != nil {
			return nil, err
		}
	}
	if err := c.t.check(d, d.view.base); err != nil {
		return nil, err
	}
	if !d.needed() { // others have saved what this request wants
		return nil, nil
	}
	if err := c.mayRebind(); err != nil {
		return nil, err
	}
	if err := c.prepareCookie(); err != nil {
		return nil, err
	}
	next := c.content(d, d.view.base)
	return next, c.prepare(d.id, next, d.view.base)
}

// Check returns why the session cannot be stored on top of current.
func (r *replacement) Check(current *records.Content, afterUnknown bool) error {
	return (*commit)(r).mayFollow(current, afterUnknown)
}

// rebase puts the request's changes on top of current. If the session was destroyed
// meanwhile, none are left, and the new session of the request is not touched. A Renew
// that came meanwhile is left to the next commit, because it takes another way.
func (c *commit) rebase(current *records.Content) error {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.rebaseBy(c.t.rebaseLocked, current)
}

// rebaseBy is rebase by that method of c.t, whose lock is held.
func (c *commit) rebaseBy(method func(*records.Content) error, current *records.Content) (err error) {
	t, d := c.t, &c.d
	if t.state.id == d.id {
		err = method(current)
	}
	if t.state.id != d.id {
		d.view, d.base, d.changes, d.cleared = view{base: current}, current, nil, false
		return nil
	}
	renew := d.renew
	*d = t.snapshotLocked()
	d.renew = d.renew && renew
	return err
}

// prepare is called before next is saved under id in place of prev. It enters the session
// into the index of each new label before the record with that label is stored, and keeps
// the way from the ID under which a device is bound.
func (c *commit) prepare(id string, next, prev *records.Content) error {
	if err := c.t.e.fits(next); err != nil { // before any I/O
		return err
	}
	if err := c.d.labelsFit(next); err != nil {
		return err
	}
	if err := c.keepBoundAs(next); err != nil {
		return err
	}
	added := next.LabelsNotOf(prev)
	if len(added) == 0 {
		return nil
	}
	if next.UsesReserve() {
		c.UseReserve()
	}
	entered := owners.Session{ID: id, Next: next, Before: c.t.PublicID()}
	for _, l := range added {
		if err := c.t.e.Owners.Enter(&c.Access, &c.entering, entered, l); err != nil {
			return err
		}
	}
	return nil
}

// mayFollow returns the reason why the commit cannot be tried again on top of current, or
// nil.
func (c *commit) mayFollow(current *records.Content, afterUnknown bool) error {
	switch {
	case current == nil && afterUnknown:
		return records.ErrGoneUnknown
	case current == nil:
		return records.ErrEnded
	case current.Tombstone, c.t.e.Lifetimes.Revoked(current):
		return records.ErrTombstone
	case c.mode == updating:
		return errRerun
	}
	return c.t.check(&c.d, current)
}

// check decides whether d can go on top of now.
func (t *Txn) check(d *snapshot, now *records.Content) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.e.Isolation.check(d.readWriteSet, now)
}

// idle reports whether a commit would have nothing to do.
func (t *Txn) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	return t.failed == nil && st.encoding == nil && st.destroyed == nil && !st.pending() &&
		(st.id == "" || (t.touched || !t.e.Lifetimes.TouchDue(st.view.base)) && !t.rotationDue())
}

// previousResult returns the ticket and the error that an earlier commit of the request
// has left.
func (t *Txn) previousResult() (*queue.Ticket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ticket, t.failed
}

// refused returns err, which an earlier commit or the end of the request has left. It
// reports only the latter to the Observer, because the former was reported before.
func (t *Txn) refused(ctx context.Context, err error) error {
	if errors.Is(err, ErrRequestDone) {
		event := t.e.Observer.Begin(observe.Save)
		event.PublicID, event.Err = t.PublicID(), err
		t.e.Observer.End(ctx, event)
	}
	return err
}

// recordResult stores the result of a commit. After a conflict or an unknown outcome the
// request must not commit any more, because its further changes may depend on the refused
// ones. An error that only the response can report also prevents further commits.
func (t *Txn) recordResult(err error, mode Mode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, errRerun) {
		return
	}
	t.reported = err != nil && mode != Auto
	if err != nil && (mode == Auto || errors.Is(err, ErrConflict) || errors.Is(err, records.ErrEnded) || errors.Is(err, records.ErrOutcomeUnknown)) {
		t.failed = cmp.Or(t.failed, err) // a change after the request may have left an earlier error
	}
}
