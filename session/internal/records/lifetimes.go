package records

import "time"

// Lifetimes are the time limits of the sessions of one Config.
type Lifetimes struct {
	IdleTimeout        time.Duration
	Lifetime           time.Duration
	PersistIdleTimeout time.Duration
	PersistLifetime    time.Duration
	TouchInterval      time.Duration
}

// Restart begins the lifetime of c again, and the span of a persistent one.
func Restart(c *Content) {
	if !c.Deadline.IsZero() {
		c.Deadline = c.Seen.Add(c.Deadline.Sub(c.Started))
	}
	c.Started = c.Seen
}

// Persist makes c end d from now, but not before it would have ended anyway nor after it
// may, or takes that back. It returns the expiry that c must not fall behind.
func (l *Lifetimes) Persist(c *Content, d time.Duration, before time.Time) time.Time {
	if d <= 0 {
		c.Deadline = time.Time{}
		return time.Time{}
	}
	c.Deadline = c.Seen.Add(d)
	if before.After(c.Deadline) {
		c.Deadline = before
	}
	c.Deadline = Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))
	return before
}

// End returns when c ends, however busy it is.
func (l *Lifetimes) End(c *Content) time.Time {
	if c.Deadline.IsZero() {
		return c.Started.Add(l.Lifetime)
	}
	return Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))
}

// Expiry returns when c, used at that time, ends unless it is used before, given when its
// predecessor did: it never decreases, except to what the Config allows.
func (l *Lifetimes) Expiry(c *Content, used, before time.Time) time.Time {
	window := l.IdleTimeout
	if !c.Deadline.IsZero() {
		window = l.PersistIdleTimeout
	}
	idle := used.Add(window)
	if before.After(idle) {
		idle = before
	}
	return Earlier(idle, l.End(c))
}

// Expired reports whether c has outlived a Lifetime that was shortened after it was saved.
func (l *Lifetimes) Expired(c *Content) bool {
	return !c.Tombstone && !time.Now().Before(l.End(c))
}

// Live returns ErrEnded if c, as it was just read, is not a session that goes on.
func (l *Lifetimes) Live(c *Content) error {
	switch {
	case c == nil || c.IsOwnerIndex() || l.Expired(c):
		return ErrEnded
	case c.Tombstone:
		return ErrTombstone
	}
	return nil
}

// Extended returns base once it was used now.
func (l *Lifetimes) Extended(base *Content) *Content {
	next := Follow(base)
	next.Expires = l.Expiry(base, next.Seen, base.Expires)
	next.EncodeAfter(base, &base.Entries, nil)
	return next
}

// TouchDue reports whether so much of c's idle window is used up that it is worth a save.
// An owner wants to know when the session was last used, also where that does not extend
// it.
func (l *Lifetimes) TouchDue(c *Content) bool {
	at := Now()
	return l.Expiry(c, at, c.Expires).Sub(c.Expires) >= l.TouchInterval ||
		c.Owner != "" && at.Sub(c.Seen) >= l.TouchInterval
}

// Earlier returns the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
