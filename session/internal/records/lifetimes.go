package records

import "time"

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

// Persist sets the deadline of c to d from now, but not before its present expiry and not
// after its maximum lifetime. If d is zero or negative, it removes the deadline. It
// returns the expiry that c must not fall below.
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

// End returns when c ends even if it is in use.
func (l *Lifetimes) End(c *Content) time.Time {
	if c.Deadline.IsZero() {
		return c.Started.Add(l.Lifetime)
	}
	return Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))
}

// Expiry returns when c, last used at that time, ends unless it is used again. Before is
// the previous expiry. The expiry never decreases, except to the limits of the Config.
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

// Expired reports whether c has outlived a Lifetime that was shortened after it was saved,
// or is of an earlier epoch.
func (l *Lifetimes) Expired(c *Content) bool {
	return !c.Tombstone && (!time.Now().Before(l.End(c)) || l.Revoked(c))
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
	next := Follow(base)
	next.Expires = l.Expiry(base, next.Seen, base.Expires)
	next.EncodeAfter(base, &base.Entries, nil)
	return next
}

// TouchDue reports whether enough of c's idle timeout has passed to save it. For a
// session with an owner or another label it is also due if only the time of its last use
// is outdated, because lists of sessions show that.
func (l *Lifetimes) TouchDue(c *Content) bool {
	at := Now()
	return l.Expiry(c, at, c.Expires).Sub(c.Expires) >= l.TouchInterval ||
		at.Sub(c.Seen) >= l.TouchInterval && c.Listed()
}

// Earlier returns the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
