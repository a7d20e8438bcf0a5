package session

import (
	"fmt"
)

// maxSuccessors bounds the renewals that a Destroy follows and the requests it
// lets go first.
const maxSuccessors = 64

// bury turns the record of a destroyed session into a tombstone, by the same
// compare-and-swap as any other change: an unconditional delete would let a
// request in flight, or a renewal, bring the session back. If the session was
// renewed meanwhile, its last successor is buried. With it end the sessions that
// live beside it.
func (c *commit) bury(b *doomed) error {
	if b.id != "" {
		if err := c.entomb(b); err != nil {
			return err
		}
		if b.base.Owner != "" {
			c.strike(b.base.Owner, gone(b.id))
		}
	}
	if err := c.endRivals(); err != nil {
		return err
	}
	if b.cookie {
		c.s.pass.cookie.Store(c.m.cfg.Cookie.expired())
	}
	c.s.buried(b)
	return nil
}

func (c *commit) entomb(b *doomed) error {
	id, target := b.id, b.base
	var out outcome
	for range maxSuccessors {
		var err error
		switch {
		case target == nil || target.Tombstone && target.Successor == "":
			b.reads.ended = b.reads.nonEmpty
			return b.absent(out.doubted)
		case b.revoked && b.spares(id, target):
			return nil
		case target.Tombstone:
			id = target.Successor
			target, err = c.fetch(id)
			if err == nil && target == nil && b.named {
				err = errNotThere
			}
		default:
			if out, err = c.entombOnce(b, id, target); out.landed {
				return nil
			}
			target = out.current
		}
		if err != nil {
			return err
		}
	}
	return c.outrun()
}

// entombOnce tries to bury one record that holds target, and waits for its
// turn if another request was first.
func (c *commit) entombOnce(b *doomed, id string, target *content) (outcome, error) {
	if !b.revoked {
		if err := c.m.cfg.Isolation.check(b.work(), target); err != nil {
			return outcome{}, err
		}
	}
	out, err := c.save(id, tombstone(target, "", c.outside(b)), target.version)
	if err != nil || out.landed || out.current == nil || out.current.Tombstone {
		return out, err
	}
	switch {
	case c.mode == updating && !c.s.inherited(b):
		return out, errRerun
	case c.exhausted(c.now()):
		return out, c.outrun()
	}
	if c.yield(id) {
		out.current, err = c.fetch(id)
	}
	return out, err
}

// outside reports whether no answer is under way that changes the cookie of b's browser.
func (c *commit) outside(b *doomed) bool {
	if b.revoked {
		return !b.inside
	}
	return c.s.pass.sent.Load()
}

func (b *doomed) work() work {
	return work{changes: b.popped, reads: &b.reads, base: b.base}
}

// absent is the outcome of destroying what is gone already: just what was
// asked for, unless the request took a value out of it.
func (b *doomed) absent(doubted bool) error {
	switch {
	case len(b.popped) == 0:
		return nil
	case doubted:
		return fmt.Errorf("%w: the record is gone", ErrOutcomeUnknown)
	default:
		return ErrEnded
	}
}

// doom returns what the commit has to bury: the session, if it is stored; what
// an earlier Destroy has left to bury; or nothing but the cookie of an unknown
// session. A tombstone's cookie stays: the browser may hold its successor's.
func (s *Session) doom() *doomed {
	st := &s.state
	switch {
	case st.id != "":
		return &doomed{identity: st.identity, base: st.view.base, reads: st.reads, popped: st.popped, cookie: true}
	case st.doomed != nil:
		return st.doomed
	case s.unread != nil:
		return s.unread
	default:
		return &doomed{cookie: st.predecessor == nil && len(s.pass.cookies(nil)) > 0}
	}
}

// buried notes that b is done. What the request has read of a session that another one
// has ended must not pass into one of its own.
func (s *Session) buried(b *doomed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed++
	if s.unread == b {
		s.unread = nil
	}
	if s.state.doomed == b {
		s.state.doomed = nil
		s.state.reads.ended = s.state.reads.ended || b.reads.ended
	}
}

// inherited reports whether b was doomed before the closure of Session.Update
// ran, which can run again and perhaps not destroy the session.
func (s *Session) inherited(b *doomed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doomedBefore == b
}
