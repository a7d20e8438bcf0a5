package owners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// errNoSession is the ErrEnded for a public ID without a session.
var errNoSession = fmt.Errorf("%w: there is no session of this public ID, so nothing was ended", records.ErrEnded)

// Revoke ends the session of that public ID, whoever owns it, and its successors.
func (x *Index) Revoke(ctx context.Context, id string) error {
	if provider.ValidateID(id) != nil {
		return errNoSession
	}
	a := x.store.Access(ctx, nil)
	found, err := a.Fetch(id)
	switch {
	case err != nil:
		return err
	case found == nil || found.IsOwnerIndex():
		return errNoSession
	}
	if err := x.end(ctx, id, found, revocation{named: true}); err != nil {
		return err
	}
	x.Remove(&a, id, found)
	return nil
}

// RevokeAll ends the sessions in the index of a label. It returns ErrNotListed if the
// session known ("" for none) is alive, has the label and is not listed.
func (x *Index) RevokeAll(ctx context.Context, of records.Label, known string) error {
	return x.revoke(ctx, of, known, nil)
}

// RevokeOthers ends the sessions in owner's index except the session id and those that it
// was or is about to be renewed to. If id is stored with that owner but not listed,
// RevokeOthers lists it, and returns ErrNotListed.
func (x *Index) RevokeOthers(ctx context.Context, owner, id string, stored bool) error {
	a := x.store.Access(ctx, nil)
	spared, _, err := a.Successors(id)
	if err != nil {
		return err
	}
	var known string
	if stored {
		known = spared[len(spared)-1]
	}
	return x.revoke(ctx, records.OwnerLabel(owner), known, spared)
}

// revoke ends the sessions in the index of a label except the last of spared.
func (x *Index) revoke(ctx context.Context, of records.Label, known string, spared []string) error {
	ctx, tellEnds := x.store.GatherEnds(ctx)
	defer tellEnds()
	a := x.store.Access(ctx, nil)
	index, err := x.fetch(&a, of)
	if err != nil {
		return err
	}
	var ended []entry
	var errs []error
	at := records.Now()
	entries := entriesOf(index, at)
	all := revocation{label: of}
	if len(spared) > 0 {
		all.spared = spared[len(spared)-1]
	}
	if known != "" && !has(entries, known) {
		errs = append(errs, x.unlisted(&a, known, of, all.spared))
	}
	for _, e := range entries {
		if e.id == all.spared || slices.ContainsFunc(spared, e.replaces) {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, records.Unavailable(context.Cause(ctx)))
			break
		}
		a.Restart()
		over, err := x.revokeEntry(&a, e, all, at)
		if err != nil {
			errs = append(errs, err)
		}
		if over {
			ended = append(ended, e)
		}
	}
	if len(ended) > 0 {
		a.Restart()
		x.remove(&a, of, ended...)
	}
	return errors.Join(errs...)
}

// unlisted returns ErrNotListed if the session id has the label, and enters it if it is
// spared.
func (x *Index) unlisted(a *records.Access, id string, of records.Label, spared string) error {
	found, err := a.Fetch(id)
	if err != nil || found == nil || found.Tombstone || !found.Has(of) {
		return err
	}
	if id == spared {
		x.reenter(a, id, of, found)
	}
	return ErrNotListed
}

// revokeEntry ends the session of e if it has the label. Over reports whether e
// can be removed.
func (x *Index) revokeEntry(a *records.Access, e entry, how revocation, at envelope.Time) (over bool, err error) {
	found, err := a.Fetch(e.id)
	switch {
	case err != nil:
		return false, err
	case found == nil, !found.Tombstone && !found.Has(how.label):
		return e.stale(found, how.label, at), nil
	}
	err = x.end(a.Caller(), e.id, found, how)
	return err == nil, err
}

// revocation says which sessions are ended, and how, from outside of their requests.
type revocation struct {
	label  records.Label     // only sessions with this label; zero: any session
	spared string            // the ID at which to stop
	named  bool              // ended by public ID: a missing session is an error
	reason observe.EndReason // "": revoked
	stray  bool              // nobody has had the session
	inside bool              // ended by a request of its browser, whose response changes the cookie
}

// EndRival ends a session whose cookie came with a request beside those of other live
// sessions. Inside means that the request's response changes the cookie.
func (x *Index) EndRival(ctx context.Context, id string, base *records.Content, inside bool) error {
	return x.end(ctx, id, base, revocation{inside: inside, reason: observe.Replaced})
}

// end ends the session of that ID, which holds base, independent of any request: it has
// its own Timeout and its own place in the queue.
func (x *Index) end(caller context.Context, id string, base *records.Content, how revocation) error {
	a := x.store.Access(caller, nil)
	defer a.Leave()
	event := x.opts.Observer.Begin(observe.Revoke)
	ended, err := a.EndLast(id, base, records.Ending{
		Outside: func() bool { return !how.inside },
		Spares:  how.spares,
		Reason:  how.observed(),
	})
	if err == nil && ended.Lost && how.named {
		err = errNoSession
	}
	event.PublicID, event.Attempts, event.Err = id, 1+a.Conflicts(), err
	x.opts.Observer.End(a.Context(), event)
	return err
}

// observed returns the reason that the Observer is told.
func (r *revocation) observed() observe.EndReason {
	if r.stray {
		return ""
	}
	return cmp.Or(r.reason, observe.Revoked)
}

// spares reports whether the session id with content c must not be ended.
func (r *revocation) spares(id string, c *records.Content) bool {
	return id == r.spared || !c.Tombstone && r.label != (records.Label{}) && !c.Has(r.label)
}
