package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/lane"
)

// mode says who asked for a commit.
type mode int

const (
	auto     mode = iota // the response begins or the handler has returned
	explicit             // Session.Save
	updating             // Session.Update: on any concurrent change it runs its closure again
)

// What tells Session.Update that its closure has to run again: on the newest
// session or, where its Renew has lost to another, on an empty one.
var (
	errRerun     = errors.New("session: a parallel request was first")
	errStartOver = fmt.Errorf("%w and renewed or destroyed the session", errRerun)
)

// commit is one attempt to store what the request has changed. It fails or it
// lands; while others are first, it is rebased on what they have saved and
// tries again.
type commit struct {
	storage
	s    *Session
	mode mode
}

// commit stores what was changed. Only one commit of a Session runs at a time.
func (s *Session) commit(ctx context.Context, mode mode) error {
	if s.idle() {
		if mode == explicit { // all is well again, should an Update have failed before
			s.note(nil, mode)
		}
		return nil
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.commitNow(ctx, mode)
}

// commitNow is commit by whoever has entered already.
func (s *Session) commitNow(ctx context.Context, mode mode) error {
	turn, err := s.footing()
	if err != nil {
		return s.refused(ctx, err)
	}
	c := &commit{s: s, storage: s.m.storage(ctx, turn), mode: mode}
	var again bool
	defer func() { c.leaveLane(again) }()
	err = c.run()
	again = errors.Is(err, errRerun) || s.pass.replaying.Load() && errors.Is(err, ErrConflict)
	s.note(err, mode)
	return err
}

// leaveLane gives up the place in the lane, or hands it on to the next try.
func (c *commit) leaveLane(again bool) {
	if !again {
		c.turn.Leave()
		c.turn = nil
	}
	c.s.keepTurn(c.turn)
}

func (c *commit) run() error {
	d := c.s.draft()
	if d.encoding != nil {
		return c.observe(OpSave, "", func() error { return d.encoding })
	}
	if b := d.doomed; b != nil {
		if err := c.settle(b); err != nil {
			return err
		}
		d = c.s.draft()
	}
	if !d.needed() {
		if err := c.idle(d); err != nil {
			return c.observe(OpSave, "", func() error { return err })
		}
		c.touch()
		return nil
	}
	op := OpSave
	if d.renew {
		op = OpRenew
	}
	return c.observe(op, "", func() error { return c.store(d) })
}

// settle buries what Destroy has ended, if it was stored.
func (c *commit) settle(b *doomed) error {
	if b.id == "" {
		return c.bury(b)
	}
	return c.observe(OpDestroy, b.id, func() error { return c.bury(b) })
}

func (c *commit) store(d *draft) error {
	switch {
	case d.id == "":
		err := c.create(d)
		if errors.Is(err, errTombstone) && d.mayBeLost() {
			c.s.idled(d)
			return nil
		}
		return err
	case d.renew:
		return c.renewal(d)
	default:
		return c.replace(d)
	}
}

// observe lets Config.Observer know of what do has done to the session of that public ID,
// "" for the one that c.s is then. That an Update's closure has to run again is not how
// its commit ended.
func (c *commit) observe(op Op, publicID string, do func() error) error {
	event, before := c.m.watch(op), c.tries
	err := do()
	if event.Op == "" || errors.Is(err, errRerun) {
		return err
	}
	event.PublicID, event.Attempts, event.Err = cmp.Or(publicID, c.s.PublicID()), 1+c.tries-before, err
	c.m.observed(c.ctx(), event)
	return err
}

// draft is the session as one save is to store it.
type draft struct {
	identity
	orders
	work
	view     view
	epoch    int
	doomed   *doomed // to be buried before
	encoding error   // why it cannot be saved
}

// draft returns the session as it stands. So small, it is inlined, and what it returns
// stays on the stack.
func (s *Session) draft() *draft {
	d := new(draft)
	s.drawUp(d)
	return d
}

// drawUp makes d the session as it stands. The view is shared until it changes.
func (s *Session) drawUp(d *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	st.view.shared = true
	*d = draft{
		identity: st.identity,
		orders:   st.orders,
		view:     st.view,
		epoch:    s.epoch,
		doomed:   st.doomed,
		encoding: st.encoding,
		work:     work{changes: st.changes, cleared: st.cleared, reads: &st.reads, base: st.view.base},
	}
}

// needed reports whether there is anything to save.
func (d *draft) needed() bool {
	return d.renew || d.view.changed() || d.persist != nil && d.view.base.version > 0 ||
		d.owner != nil && *d.owner != d.view.base.Owner
}

// idle commits a d that comes to nothing, such as a Delete of what another
// request has deleted: nothing is saved, but what was read must hold.
func (c *commit) idle(d *draft) error {
	if len(d.changes) == 0 && !d.cleared && d.owner == nil {
		return nil
	}
	if err := c.s.check(d, d.view.base); err != nil {
		return err
	}
	c.s.idled(d)
	return nil
}

// content returns what d puts in the place of prev: the view's base or, in a
// renewal, what the new record holds so far, which is nil at first.
func (c *commit) content(d *draft, prev *content) *content {
	next := follow(d.view.base)
	before := d.view.base.expires
	if d.renew || d.view.base.version == 0 {
		restart(next)
		before = time.Time{}
	}
	if d.persist != nil {
		before = c.m.persist(next, *d.persist, before)
	}
	if d.owner != nil {
		next.Owner = *d.owner
	}
	next.expires = c.m.expiry(next, next.Seen, before)
	if d.persist == nil && !before.IsZero() && c.s.pass.isPassive() {
		next.Seen, next.expires = d.view.base.Seen, earlier(before, c.m.end(next))
	}
	var room [8]envelope.Edit
	next.encode(prev, d.view.kept(), d.view.edits(room[:0]))
	return next
}

// replace commits a change of a stored session.
func (c *commit) replace(d *draft) error {
	for ; ; d = c.s.draft() {
		if err := c.s.check(d, d.view.base); err != nil {
			return err
		}
		if !d.needed() { // what the others saved is what this request wants
			c.s.idled(d)
			return nil
		}
		value, err := c.persistentCookie(d)
		if err != nil {
			return err
		}
		next := c.content(d, d.view.base)
		out, err := c.put(d.id, next, d.view.base)
		switch {
		case err != nil:
			return err
		case out.landed:
			c.s.landed(d, d.identity, next)
			if old := d.view.base.Owner; old != "" && old != next.Owner {
				c.strike(old, place{id: d.id, from: ordinal(next.version)})
			}
			if c.m.reentryDue(d.view.base, next) {
				c.reenter(d.id, next)
			}
			if value != "" {
				c.setCookie(value, next)
			}
			return nil
		}
		if err := c.rebase(d, out); err != nil {
			return err
		}
	}
}

// put saves next under id in place of prev. An owner's index has the session
// before the store has it as the owner's.
func (c *commit) put(id string, next, prev *content) (outcome, error) {
	if next.Owner != "" && (prev == nil || prev.Owner != next.Owner) {
		if _, err := c.m.record(id, next); err != nil { // before any I/O
			return outcome{}, err
		}
		if err := c.enter(id, next, c.s.PublicID()); err != nil {
			return outcome{}, err
		}
	}
	return c.save(id, next, versionOf(prev))
}

// rebase puts the request's changes on top of what was saved meanwhile, or
// says why that cannot be.
func (c *commit) rebase(d *draft, out outcome) error {
	if out.current == nil && out.doubted {
		return fmt.Errorf("%w: the record is gone", ErrOutcomeUnknown)
	}
	if err := c.mayFollow(d, out.current); err != nil {
		return err
	}
	current := out.current
	if c.yield(d.id) {
		newest, err := c.fetch(d.id)
		if err != nil {
			return err
		}
		if err := c.mayFollow(d, newest); err != nil {
			return err
		}
		current = newest
	}
	return c.s.rebase(current)
}

// mayFollow reports why d cannot be tried again on top of current.
func (c *commit) mayFollow(d *draft, current *content) error {
	switch {
	case current == nil:
		return ErrEnded
	case current.Tombstone:
		return errTombstone
	case c.mode == updating:
		return errRerun
	case c.exhausted(c.now()):
		return c.outrun()
	}
	return c.s.check(d, current)
}

// check decides whether d can go on top of now.
func (s *Session) check(d *draft, now *content) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.cfg.Isolation.check(d.work, now)
}

// idle reports whether a commit would have nothing to do.
func (s *Session) idle() bool {
	s.lock()
	defer s.mu.Unlock()
	st := &s.state
	return s.failed == nil && st.encoding == nil && st.doomed == nil && !st.pending() &&
		(st.id == "" || s.touched || !s.m.touchDue(st.view.base))
}

// pending reports whether the request has asked for anything.
func (st *state) pending() bool {
	return len(st.changes) > 0 || st.cleared || st.renew || st.persist != nil || st.owner != nil
}

// footing returns the place in the lane and the error that an earlier commit of the
// request left.
func (s *Session) footing() (*lane.Turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn, s.failed
}

// refused returns err, which an earlier commit has left or the end of the request.
// The Observer knows of the former already.
func (s *Session) refused(ctx context.Context, err error) error {
	if errors.Is(err, ErrRequestDone) {
		event := s.m.watch(OpSave)
		event.PublicID, event.Err = s.PublicID(), err
		s.m.observed(ctx, event)
	}
	return err
}

// note keeps what came of a commit. After a conflict or an unknown outcome the
// request has lost its footing: what it goes on to change may rest on what was
// refused. And an error that only the response could tell ends its session.
func (s *Session) note(err error, mode mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, errRerun) {
		return
	}
	s.reported = err != nil && mode != auto
	if err != nil && (mode == auto || errors.Is(err, ErrConflict) || errors.Is(err, ErrEnded) || errors.Is(err, ErrOutcomeUnknown)) {
		s.failed = cmp.Or(s.failed, err) // a change that came too late has left one before
	}
}
