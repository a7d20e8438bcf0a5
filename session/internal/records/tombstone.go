package records

import "time"

// TombstoneLifetime is how long it is remembered at least that a session was renewed or
// destroyed: longer than any request that began before should take. The tombstone of a
// renewed session stays as long as its successor may live, so that whoever ends it by its
// old name ends the successor. After that the record is absent, and a late save
// conflicts all the same.
const TombstoneLifetime = 5 * time.Minute

// StrictWindow is how long after a request has renewed or destroyed its session, or has
// begun one over a tombstone, no other request begins one there: longer than the response
// that changes the browser's cookie is under way.
const StrictWindow = 30 * time.Second

// Tombstone returns the content that ends base's session, which goes on under the record
// ID successor, if any. Outside means that no response is under way that changes the
// browser's cookie.
func Tombstone(base *Content, successor string, outside bool) *Content {
	t := Follow(base)
	t.Tombstone, t.Successor, t.Outside = true, successor, outside
	t.Expires = t.Seen.Add(TombstoneLifetime)
	t.EncodeAfter(base, nil, nil)
	return t
}

// Claimed returns the tombstone t with the claim of the session of that ID.
func Claimed(t *Content, id string, login bool) *Content {
	next := Follow(t)
	next.Tombstone, next.Successor, next.Outside = true, t.Successor, t.Outside
	next.Claim, next.Login = id, login
	next.Expires = t.Expires
	if until := next.Seen.Add(TombstoneLifetime); until.After(next.Expires) {
		next.Expires = until
	}
	next.EncodeAfter(t, nil, nil)
	return next
}

// Claimable reports whether a change may begin a new session over the tombstone c at that
// time. If the session was ended from outside, no other response sets or clears the
// cookie, so the first change may.
func (c *Content) Claimable(at time.Time) bool {
	return c.Outside && c.Claim == "" || !at.Before(c.Seen.Add(StrictWindow))
}
