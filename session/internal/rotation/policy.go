// Package rotation gives sessions new cookies from time to time, so that the use of an old
// one shows that two clients have copies of the session's cookie. The cookies of a session
// differ by an index that is signed with the token. Section 23 of docs/protocol.md has the
// rules.
package rotation

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// settling is by how much longer than the grace an index must have been issued until it can
// be confirmed: its answer is under way for up to 30 seconds, browsers write cookies to disk
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

// decide returns what a use leads to at the time now, in a state of the session. Issued is
// when the confirmed index was issued.
func (p *Policy) decide(s envelope.Rotation, issued envelope.Time, u Use, now envelope.Time) step {
	i, pending := u.Index, !s.PendingSince.IsZero()
	switch {
	case i == s.Confirmed && pending:
		return when(u.At.After(s.PendingSince.Add(p.Grace)), issue)
	case i == s.Confirmed:
		due := max(issued.Add(p.Interval), s.ConfirmedAt.Add(p.Grace))
		alone := s.Issued == s.Confirmed || p.settled(s.Issued, u.At) // no other is about to reach the browser
		return when(!now.Before(due) && alone, issue)
	case i > s.Confirmed && i > s.Replaced:
		return when(p.settled(i, u.At), confirm)
	case pending:
		return theft
	default:
		return when(!now.Before(s.ConfirmedAt.Add(p.Grace)), theft)
	}
}

// settled reports whether a request that was loaded at that time shows where the index is: the
// browser then has it on its disk or, if the request came with another one, never will.
func (p *Policy) settled(index uint64, load envelope.Time) bool {
	return load.After(envelope.Time(index).Add(settling + p.Grace))
}

func when(condition bool, then step) step {
	if condition {
		return then
	}
	return serve
}

// stateOf returns the state of a session, and when its confirmed index was issued. Index 0
// is confirmed from the beginning.
func stateOf(c *records.Content) (s envelope.Rotation, issued envelope.Time) {
	s = c.Fields.Rotation()
	if s == (envelope.Rotation{}) {
		s.ConfirmedAt = c.Started
	}
	if s.Confirmed == 0 {
		return s, c.Started
	}
	return s, envelope.Time(s.Confirmed)
}

// step returns what a use of c leads to.
func (p *Policy) step(c *records.Content, u Use, now envelope.Time) step {
	s, issued := stateOf(c)
	return p.decide(s, issued, u, now)
}

// Exempts reports whether the session c is not rotated.
func (p *Policy) Exempts(c *records.Content) bool {
	return p == nil || p.SparesBound && c.Fields.Binding().Bound
}

// IsTheft reports whether a request that loads the session c with that index shows that
// another client has copied its cookie.
func (p *Policy) IsTheft(c *records.Content, index uint64) bool {
	now := records.Now()
	return !p.Exempts(c) && p.step(c, Use{index, now}, now) == theft
}

// AllowsCopy reports whether a request with that index may be served from a copy of c that
// may be outdated: nothing about the index is to be decided or saved.
func (p *Policy) AllowsCopy(c *records.Content, index uint64) bool {
	if p.Exempts(c) {
		return true
	}
	s, now := c.Fields.Rotation(), records.Now()
	return s.PendingSince.IsZero() && index == s.Confirmed && p.step(c, Use{index, now}, now) == serve
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
// differs from the present one. If its Newest index is not that of the use, the save issues
// it, and the response has to send its cookie.
func (p *Policy) Next(c *records.Content, u Use, mayIssue bool) (next envelope.Rotation, changed bool) {
	if p.Exempts(c) || u.At.IsZero() {
		return c.Fields.Rotation(), false
	}
	now := records.Now()
	s, _ := stateOf(c)
	switch p.step(c, u, now) {
	case confirm:
		return envelope.Rotation{Confirmed: u.Index, ConfirmedAt: now, Issued: max(s.Issued, u.Index)}, true
	case issue:
		if mayIssue {
			return issueIn(s, now), true
		}
	}
	return c.Fields.Rotation(), false
}

// issueIn returns s with a new index.
func issueIn(s envelope.Rotation, now envelope.Time) envelope.Rotation {
	if s.PendingSince.IsZero() {
		s.PendingSince, s.Replaced = now, s.Issued
	}
	s.ConfirmedAt = 0
	s.Issued = max(uint64(now), s.Issued+1)
	return s
}

// Newest returns the newest index of a session in state s, whose cookie may be sent again.
func Newest(s envelope.Rotation) uint64 {
	if s.PendingSince.IsZero() {
		return s.Confirmed
	}
	return s.Issued
}
