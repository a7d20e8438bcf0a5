package records

import (
	"cmp"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// Lifetimes are the time limits of the sessions of one Config.
type Lifetimes struct {
	IdleTimeout        time.Duration
	Lifetime           time.Duration
	PersistIdleTimeout time.Duration
	PersistLifetime    time.Duration
	TouchInterval      time.Duration

	// Epoch, if not nil, returns the latest epoch that is known. A session of an earlier
	// one has ended.
	Epoch func() int64
}

// Restart restarts the lifetime of c, including that of a persistent session.
func Restart(c *Content) {
	if !c.Deadline.IsZero() {
		c.Deadline = c.Seen.Add(c.Deadline.Sub(c.Started))
	}
	c.Started = c.Seen
}

// Authenticate records that c is being renewed.
func Authenticate(c *Content) {
	times := c.Fields.Times()
	times.Authenticated = c.Seen
	c.Fields = c.Fields.WithTimes(times)
}

// Limits are the time limits of one session, which count if they are shorter than those of
// the Config. 0 leaves a limit as it is.
type Limits struct {
	Idle, Lifetime time.Duration
}

// Or returns l with the limits of other in place of those that are 0.
func (l Limits) Or(other Limits) Limits {
	return Limits{cmp.Or(l.Idle, other.Idle), cmp.Or(l.Lifetime, other.Lifetime)}
}

// On returns the fields of a session after its limits were set to l.
func (l Limits) On(f envelope.Fields) envelope.Fields {
	times := f.Times()
	times.Idle, times.Lifetime = cmp.Or(l.Idle, times.Idle), cmp.Or(l.Lifetime, times.Lifetime)
	return f.WithTimes(times)
}

// Persist sets the deadline of c to d from now, but not before its present expiry and not
// after its maximum lifetime. If d is zero or negative, it removes the deadline. It
// returns the expiry that c must not fall below.
func (l *Lifetimes) Persist(c *Content, d time.Duration, before envelope.Time) envelope.Time {
	if d <= 0 {
		c.Deadline = 0
		return 0
	}
	c.Deadline = c.Seen.Add(d)
	if before.After(c.Deadline) {
		c.Deadline = before
	}
	c.Deadline = Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))
	return before
}

// End returns when c ends even if it is in use.
func (l *Lifetimes) End(c *Content) envelope.Time {
	end := c.Started.Add(l.Lifetime)
	if !c.Deadline.IsZero() {
		end = Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))
	}
	if own := c.Fields.Times().Lifetime; own > 0 {
		end = Earlier(end, c.Started.Add(own))
	}
	return end
}

// idle returns how long c may be unused.
func (l *Lifetimes) idle(c *Content) time.Duration {
	window := l.IdleTimeout
	if !c.Deadline.IsZero() {
		window = l.PersistIdleTimeout
	}
	if own := c.Fields.Times().Idle; own > 0 {
		window = min(window, own)
	}
	return window
}

// touchInterval returns how much of its idle timeout must have passed before c is saved
// to extend it: a tenth of a timeout of its own, if that is less than TouchInterval.
func (l *Lifetimes) touchInterval(c *Content) time.Duration {
	if own := c.Fields.Times().Idle; own > 0 {
		return min(l.TouchInterval, max(own/10, time.Millisecond))
	}
	return l.TouchInterval
}

// Expiry returns when c, last used at that time, ends unless it is used again. Before is
// the previous expiry. The expiry never decreases, except to the limits of the Config.
func (l *Lifetimes) Expiry(c *Content, used, before envelope.Time) envelope.Time {
	idle := used.Add(l.idle(c))
	if before.After(idle) {
		idle = before
	}
	return Earlier(idle, l.End(c))
}

// Expired reports whether c has outlived a Lifetime that was shortened after it was saved,
// or is of an earlier epoch.
func (l *Lifetimes) Expired(c *Content) bool {
	return !c.Tombstone && (!Now().Before(l.End(c)) || l.Revoked(c))
}

// Revoked reports whether c is the content of a stored session of an earlier epoch.
func (l *Lifetimes) Revoked(c *Content) bool {
	return l.Epoch != nil && c.Version > 0 && !c.Tombstone && c.Fields.Epoch() < l.Epoch()
}

// Live returns ErrEnded unless c, as it was just read, is a live session.
func (l *Lifetimes) Live(c *Content) error {
	switch {
	case c == nil || c.IsOwnerIndex() || l.Expired(c):
		return ErrEnded
	case c.Tombstone:
		return ErrTombstone
	}
	return nil
}

// Extended returns base with its last use set to now.
func (l *Lifetimes) Extended(base *Content) *Content {
	next := l.FollowUsed(base)
	next.EncodeAfter(base, &base.Entries, nil)
	return next
}

// FollowUsed returns the content that continues base with its last use set to now. The
// caller has to encode it.
func (l *Lifetimes) FollowUsed(base *Content) *Content {
	next := Follow(base)
	next.Expires = l.Expiry(base, next.Seen, base.Expires)
	return next
}

// FollowUnused returns the content that continues base by a commit that does not count as
// use of the session. The caller has to encode it.
func (l *Lifetimes) FollowUnused(base *Content) *Content {
	next := Follow(base)
	next.Seen, next.Expires = base.Seen, Earlier(base.Expires, l.End(next))
	return next
}

// TouchDue reports whether enough of c's idle timeout has passed to save it. For a
// session with an owner or another label it is also due if only the time of its last use
// is outdated, because lists of sessions show that.
func (l *Lifetimes) TouchDue(c *Content) bool {
	at, interval := Now(), l.touchInterval(c)
	return l.Expiry(c, at, c.Expires).Sub(c.Expires) >= interval ||
		at.Sub(c.Seen) >= interval && c.Listed()
}

// Earlier returns the earlier of two times.
func Earlier(a, b envelope.Time) envelope.Time { return min(a, b) }
