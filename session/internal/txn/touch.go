package txn

import (
	"context"
	"errors"
	"log/slog"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// takeDue returns whether the session has to be extended, and whether it has to be rotated,
// and whether neither was tried before by a save that does only that.
func (t *Txn) takeDue() (extend, rotate bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	extend = !t.touched && !t.req.Passive() && t.e.Lifetimes.TouchDue(t.state.view.base)
	rotate = t.rotationDue()
	t.touched = t.touched || extend
	t.rotated = t.rotated || rotate
	return extend, rotate
}

// touch extends and rotates a session that was used but not changed. It is best effort: only
// one touch of a session runs at a time, and after a conflict it does only what the other
// commit, which has extended the session, has left undone of the rotation. A touch that issues
// another index runs beside others: whoever has copied the cookie could otherwise touch the
// session all the time, so that none is issued to the browser, and nothing is noticed.
func (c *commit) touch() {
	e, d := c.t.e, &c.d
	c.t.takeSnapshot(d)
	if c.mode != Auto || d.id == "" || e.Lifetimes.Revoked(d.view.base) {
		return
	}
	extend, rotate := c.t.takeDue()
	if !extend && !rotate {
		return
	}
	base := d.view.base
	next := c.touched(base)
	if !c.issuesAnother() {
		if _, busy := e.touching.LoadOrStore(d.id, nil); busy {
			return
		}
		defer e.touching.Delete(d.id)
	}
	event := e.Observer.Begin(observe.Touch)
	err := e.fits(next)
	event.PublicID, event.Err = d.id, err
	if err == nil {
		base, next, err = c.saveTouched(base, next)
		if err != nil && !errors.Is(err, provider.ErrVersionConflict) { // the first has extended it
			event.Err = records.Unavailable(err)
		}
	}
	switch {
	case err == nil:
		c.t.touchedOver(d, c.afterRotation(d.identity), base, next)
		e.Owners.ReenterIfDue(&c.Access, d.id, base, next)
		c.sendCookie(next)
	case !errors.Is(err, provider.ErrVersionConflict):
		e.Logger.Warn("session: not extended or rotated", slog.String("public_id", d.id), slog.Any("error", err))
	}
	e.Observer.End(c.Context(), event)
}

// issuesAnother reports whether c issues an index while one is pending.
func (c *commit) issuesAnother() bool {
	return c.rotation.issued && !c.d.view.base.Fields.Rotation().PendingSince.IsZero()
}

// saveTouched saves next in place of base. If others are first, it rotates what they have
// saved, which it returns in place of base.
func (c *commit) saveTouched(base, next *records.Content) (_, saved *records.Content, err error) {
	for tries := 1; ; tries++ {
		err = c.SaveOnce(c.d.id, next, base.Version)
		if !errors.Is(err, provider.ErrVersionConflict) || !c.rotation.changed || tries == maxRotateTries {
			return base, next, err
		}
		found, rotated := c.rotatedOver()
		if rotated == nil {
			return base, next, err
		}
		base, next = found, rotated
	}
}

// touched returns base extended and rotated.
func (c *commit) touched(base *records.Content) *records.Content {
	limits := &c.t.e.Lifetimes
	follow := limits.FollowUsed
	if c.t.req.Passive() {
		follow = limits.FollowUnused
	}
	next := follow(base)
	c.rotate()
	next.Fields = c.rotation.on(next.Fields, false)
	next.EncodeAfter(base, &base.Entries, nil)
	return next
}

// Touch extends the stored session at any time.
func (t *Txn) Touch(ctx context.Context) error {
	id := t.PublicID()
	if id == "" { // not stored
		return records.ErrEnded
	}
	event := t.e.Observer.Begin(observe.Touch)
	saved, err := t.touchNow(ctx, id)
	if saved || err != nil {
		event.PublicID, event.Err = id, err
		t.e.Observer.End(ctx, event)
	}
	return err
}

// touchNow saves the session with its last use set to now, if that is due.
func (t *Txn) touchNow(ctx context.Context, id string) (saved bool, err error) {
	a := t.e.Records.Access(ctx, nil)
	defer a.Leave()
	found, err := a.Fetch(id)
	if err == nil {
		err = t.e.current()
	}
	if err != nil {
		return false, err
	}
	touching := &touching{e: t.e}
	next, err := a.Change(id, found, touching)
	switch found = touching.found; {
	case err != nil:
		return false, err
	case next == nil:
		t.seen(found, found)
		return false, nil
	}
	t.seen(found, next)
	t.e.Owners.ReenterIfDue(&a, id, found, next)
	return true, nil
}

// touching is the records.Change of Touch.
type touching struct {
	e     *Engine
	found *records.Content // the content that Edit has seen last
}

func (c *touching) Edit(current *records.Content) (*records.Content, error) {
	c.found = current
	if err := c.e.Lifetimes.Live(current); err != nil || !c.e.Lifetimes.TouchDue(current) {
		return nil, err
	}
	next := c.e.Lifetimes.Extended(current)
	return next, c.e.fits(next)
}

func (c *touching) Check(current *records.Content, afterUnknown bool) error {
	if current == nil && afterUnknown {
		return records.ErrGoneUnknown
	}
	return c.e.Lifetimes.Live(current)
}

// seen records that the stored content is now after, which has the values of before.
func (t *Txn) seen(before, after *records.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()
	view := &t.state.view
	switch base := view.base; {
	case base.Version == before.Version:
		view.base = after
	case after.Expires.After(base.Expires):
		used := *base // keeps its version, because its values differ from those of after
		used.Expires, used.Seen = after.Expires, after.Seen
		t.keepCopied(base, &used)
		view.base = &used
	}
}

// Check returns ErrEnded unless the session is alive, with one call to the store.
func (t *Txn) Check(ctx context.Context) error {
	id := t.PublicID()
	if id == "" {
		return records.ErrEnded
	}
	bounded, cancel := context.WithTimeout(ctx, t.e.Timeout)
	defer cancel()
	found, err := t.e.Records.Fetch(bounded, id)
	if err == nil {
		err = t.e.Epochs.Current(bounded)
	}
	if err != nil {
		return err
	}
	return t.e.Lifetimes.Live(found)
}
