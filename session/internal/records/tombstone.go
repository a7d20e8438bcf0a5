package records

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// TombstoneLifetime is the minimum time for which a tombstone is stored. It is longer
// than any request that began before should take. The tombstone of a renewed session is
// kept as long as its successor may live, so that ending the session by its old ID ends
// the successor. After that the record is absent, and a late save still conflicts.
const TombstoneLifetime = 5 * time.Minute

// StrictWindow is how long after a request has renewed or destroyed its session, or has
// begun one over a tombstone, no other request may begin one there. It is longer than it
// takes to deliver the response that changes the browser's cookie.
const StrictWindow = 30 * time.Second

// Tombstone returns the content that ends base's session. Successor is the record ID
// under which a renewed session continues, or "". Outside means that no response that
// changes the browser's cookie is under way.
func Tombstone(base *Content, successor string, outside bool) *Content {
	t := Follow(base)
	t.Tombstone, t.Successor, t.Outside = true, successor, outside
	t.Fields = ""
	t.Expires = t.Seen.Add(TombstoneLifetime)
	t.EncodeAfter(base, nil, nil)
	return t
}

// Claimed returns the tombstone t with a claim by the session of that ID.
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

// Redirected returns the tombstone t of a renewed session with a later successor. It is kept
// until that time at least.
func Redirected(t *Content, successor string, until envelope.Time) *Content {
	next := Follow(t)
	next.Tombstone, next.Successor, next.Outside = true, successor, t.Outside
	next.Claim, next.Login, next.Seen = t.Claim, t.Login, t.Seen
	next.Expires = t.Expires
	if until.After(next.Expires) {
		next.Expires = until
	}
	next.EncodeAfter(t, nil, nil)
	return next
}

// Claimable reports whether a change at that time may begin a new session over the
// tombstone c. If the session was ended from outside, the first change may do so at once,
// because no other response sets or clears the cookie.
func (c *Content) Claimable(at envelope.Time) bool {
	return c.Outside && c.Claim == "" || !at.Before(c.Seen.Add(StrictWindow))
}
