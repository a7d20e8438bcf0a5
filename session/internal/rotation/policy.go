// Package rotation gives sessions new cookies from time to time, so that the use of an old
// one shows that two clients have copies of the session's cookie. The cookies of a session
// differ by an index that is signed with the token. Section 25 of docs/protocol.md has the
// rules.
package rotation

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// settling is how long after an index was issued the browser may still lose it, if it has
// received it: the answer is under way for up to 30 seconds, browsers write cookies to disk
// within 30 seconds, and the clocks of instances may differ by 5 seconds.
const settling = 65 * time.Second

// Policy says when indexes are issued, and which may be used. A nil Policy issues none, and
// all may be used.
type Policy struct {
	Interval time.Duration // between two indexes
	Grace    time.Duration // for which an index may be used after a newer one was confirmed

	// SparesBound exempts sessions that are bound to a device.
	SparesBound bool
}

// Use is the use of a session by a request.
type Use struct {
	Index uint64        // of the cookie that the visitor holds
	At    envelope.Time // when the request loaded the session with that cookie; zero: it did not
}

// step is what the use of an index leads to.
type step uint8

const (
	serve   step = iota // the request is served, and nothing changes
	confirm             // the browser has the index
	issue               // the browser is to get the next index
	theft               // the index must not be used any more
)

// decide returns what a use leads to at the time now, in a state of the session.
func (p *Policy) decide(s envelope.Rotation, u Use, now envelope.Time) step {
	pending := s.ConfirmedAt.IsZero()
	lost := u.At.After(s.IssuedAt.Add(settling + p.Grace)) // the pending index
	switch i := u.Index; {
	case i > s.Issued: // the store has lost the save that issued it
		return confirm
	case !pending && i == s.Confirmed:
		due := max(s.IssuedAt.Add(p.Interval), s.ConfirmedAt.Add(p.Grace))
		return when(!now.Before(due), issue)
	case !pending:
		return when(!now.Before(s.ConfirmedAt.Add(p.Grace)), theft)
	case i < s.Confirmed:
		return theft
	case i == s.Confirmed:
		return when(lost, issue)
	case i < s.Issued:
		return when(lost, confirm)
	default:
		return when(!now.Before(s.IssuedAt.Add(settling)), confirm)
	}
}

func when(condition bool, then step) step {
	if condition {
		return then
	}
	return serve
}

// stateOf returns the state of a session. Index 0 is confirmed from the beginning.
func stateOf(c *records.Content) envelope.Rotation {
	s := c.Fields.Rotation()
	if s == (envelope.Rotation{}) {
		s.IssuedAt, s.ConfirmedAt = c.Started, c.Started
	}
	return s
}

// Exempts reports whether the session c is not rotated.
func (p *Policy) Exempts(c *records.Content) bool {
	return p == nil || p.SparesBound && c.Fields.Binding().Bound
}

// IsTheft reports whether a request that loads the session c with that index shows that
// another client has copied its cookie.
func (p *Policy) IsTheft(c *records.Content, index uint64) bool {
	now := records.Now()
	return !p.Exempts(c) && p.decide(stateOf(c), Use{index, now}, now) == theft
}

// AllowsCopy reports whether a request with that index may be served from a copy of c that
// may be outdated: nothing about the index is to be decided or saved.
func (p *Policy) AllowsCopy(c *records.Content, index uint64) bool {
	if p.Exempts(c) {
		return true
	}
	s, now := stateOf(c), records.Now()
	return !s.ConfirmedAt.IsZero() && index == s.Confirmed && p.decide(s, Use{index, now}, now) == serve
}

// Due reports whether a save after that use changes the state of c. MayIssue means that the
// response can still send a cookie.
func (p *Policy) Due(c *records.Content, u Use, mayIssue bool) bool {
	if p == nil {
		return false
	}
	_, changed := p.Next(c, u, mayIssue)
	return changed
}

// Next returns the state of c after a save by the request with that use, and whether it
// differs from the present one. Its highest index is greater than before if, and only if,
// the response has to send a cookie of that index, unless the index is the visitor's own.
func (p *Policy) Next(c *records.Content, u Use, mayIssue bool) (next envelope.Rotation, changed bool) {
	if p.Exempts(c) || u.At.IsZero() {
		return c.Fields.Rotation(), false
	}
	s, now := stateOf(c), records.Now()
	switch p.decide(s, u, now) {
	case confirm:
		if u.Index > s.Issued {
			s.Issued, s.IssuedAt = u.Index, now
		}
		s.Confirmed, s.ConfirmedAt = u.Index, now
		return s, true
	case issue:
		if mayIssue {
			s.Issued, s.IssuedAt, s.ConfirmedAt = s.Issued+1, now, 0
			return s, true
		}
	}
	return c.Fields.Rotation(), false
}

// Newest returns the newest index of a session in state s, whose cookie may be sent again.
func Newest(s envelope.Rotation) uint64 {
	if s.ConfirmedAt.IsZero() {
		return s.Issued
	}
	return s.Confirmed
}
