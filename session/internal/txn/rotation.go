package txn

import (
	"log/slog"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/rotation"
)

// SetIndex says with the cookie of which index the request has loaded the session. It is
// called before t is used.
func (t *Txn) SetIndex(index uint64) { t.state.use = rotation.Use{Index: index, At: records.Now()} }

// rotationDue reports whether the session is to be rotated by a save for that alone. It is
// called with the lock held.
func (t *Txn) rotationDue() bool {
	st := &t.state
	return !t.rotated && st.id != "" && t.e.Rotation.Due(st.view.base, st.use, !t.req.HeaderSent())
}

// rotating is what a save does to the rotation of its session.
type rotating struct {
	next    envelope.Rotation
	changed bool // next is to be saved
	issued  bool // it has a new index, for this visitor
}

// rotate sets c.rotation for a save on top of the present base. A new index is issued only
// by the commit right before the header: by an earlier one, the response could send its
// cookie too late.
func (c *commit) rotate() {
	d, p := &c.d, c.t.e.Rotation
	c.rotation, c.value, c.until = rotating{}, "", c.sendUntil()
	if p == nil || d.id == "" {
		return
	}
	mayIssue := c.mode == Auto && !c.t.req.HeaderSent()
	next, changed := p.Next(d.view.base, d.use, mayIssue)
	if changed && rotation.Newest(next) != d.use.Index {
		value, err := c.sign(d.token, next.Issued)
		if err != nil {
			c.t.e.Logger.Warn("session: not rotated, the cookie could not be signed", slog.String("public_id", d.id), slog.Any("error", err))
			return
		}
		c.rotation.issued, c.value = true, value
	}
	c.rotation.next, c.rotation.changed = next, changed
}

// on returns the fields f of a session after the save. A renewed session begins with
// index 0.
func (r *rotating) on(f envelope.Fields, renewed bool) envelope.Fields {
	switch {
	case renewed:
		return f.WithRotation(envelope.Rotation{})
	case r.changed:
		return f.WithRotation(r.next)
	}
	return f
}

// prepareCookie decides which cookie the response sends after a save on top of the present
// base, and signs it: that of a new index or, if the request changes how long the browser
// keeps the cookie, the present one again.
func (c *commit) prepareCookie() error {
	c.rotate()
	d := &c.d
	if d.persist == nil || c.rotation.issued {
		return nil
	}
	newest := rotation.Newest(c.rotation.stateAfter(d.view.base))
	if d.use.Index != newest && !c.t.e.Rotation.Exempts(d.view.base) && !c.t.req.HeaderSent() {
		return nil // the browser has a newer cookie, or is about to
	}
	var err error
	c.value, err = c.sign(d.token, max(d.use.Index, newest))
	return err
}

// maxRotateTries is how often a touch tries to rotate a session that others change.
const maxRotateTries = 4

// rotatedOver reads what another commit has saved, and returns it and its content rotated.
// Rotated is nil if there is nothing to rotate any more, or if that cannot be known.
func (c *commit) rotatedOver() (found, rotated *records.Content) {
	found, err := c.Fetch(c.d.id)
	if err != nil || c.t.e.Lifetimes.Live(found) != nil {
		return nil, nil
	}
	c.d.view.base = found
	if rotated = c.touched(found); !c.rotation.changed {
		return nil, nil
	}
	return found, rotated
}

// touchedOver records that next, which has the values of base, was saved for the visitor who.
// Other requests may have changed base since this one has loaded the session; it goes on with
// what it has loaded.
func (t *Txn) touchedOver(d *snapshot, who identity, base, next *records.Content) {
	t.mu.Lock()
	loaded := t.state.view.base
	if base.Version == loaded.Version || t.state.destroyed != nil {
		t.mu.Unlock()
		t.committed(d, who, next)
		return
	}
	t.touched = true
	t.commits++
	t.state.identity = who
	t.mu.Unlock()
	t.seen(base, next)
}

// stateAfter returns the state of the session on top of base after the save.
func (r *rotating) stateAfter(base *records.Content) envelope.Rotation {
	if r.changed {
		return r.next
	}
	return base.Fields.Rotation()
}

// afterRotation returns who after the save. An index that was issued is the visitor's from
// now on, but was not used yet.
func (c *commit) afterRotation(who identity) identity {
	if c.rotation.issued {
		who.use = rotation.Use{Index: c.rotation.next.Issued}
	}
	return who
}

// sendUntil returns until when the response may send the cookie, which is zero if the session
// is not rotated or if the request itself has begun it. The save may take long, and so may the
// handler after a Save. Meanwhile the browser may get a newer cookie, which is confirmed.
func (c *commit) sendUntil() envelope.Time {
	if c.t.e.Rotation.Exempts(c.d.view.base) || c.d.use.At.IsZero() {
		return 0
	}
	return records.Now().Add(records.StrictWindow)
}

// sendCookie sends the cookie that was signed for the save of next, if any.
func (c *commit) sendCookie(next *records.Content) {
	if c.value == "" {
		return
	}
	c.setCookieUntil(c.value, next, c.until)
	if c.rotation.issued {
		c.t.e.Observer.Report(c.Context(), observe.Event{Op: observe.Rotate, PublicID: c.d.id, Owner: next.Owner})
	}
}
