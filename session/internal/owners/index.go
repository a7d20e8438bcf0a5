// Package owners keeps one record for each owner that lists the owner's sessions: the
// owner index. A provider has no index of its own. Sessions are listed by other labels in
// the same way: the owner is the label without a name, and the one that Limit is about.
//
// A session is entered before it is saved, and removed after it has ended, so that no
// live session is missing in the index, wherever a crash happens. If the session of an
// entry is absent, or does not have the label, it may be about to be saved. The entry
// stays until the pending save can no longer succeed. That is decided by the session's
// own record and not by the Config: a Manager with another Config must not remove an
// entry whose session is alive for others.
package owners

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// The errors of this package. Package session documents them under the same names.
var (
	ErrTooManySessions = errors.New("session: too many sessions")
	ErrNotListed       = errors.New("session: the store has lost a list of sessions, and some may live; repeat this after TouchInterval, and see that the store evicts nothing")
)

// Options configure an Index. None has a default.
type Options struct {
	ID        func(records.Label) string // of the record of a label's index
	Limit     int                        // of an owner's sessions; negative: none
	Refuses   bool                       // refuse a session above Limit
	Lifetimes *records.Lifetimes
	Logger    *slog.Logger
	Observer  observe.Observer
}

// Index keeps the indexes of all labels. It is safe for concurrent use.
type Index struct {
	store *records.Store
	opts  Options
}

// New returns an Index that keeps its records in store.
func New(store *records.Store, o Options) *Index { return &Index{store: store, opts: o} }

// Entering records which sessions one commit has entered. It is for one goroutine.
type Entering struct{ entered []entered }

// entered is a session that was entered into the index of a label.
type entered struct {
	id string
	in records.Label
}

// has reports whether the session id was entered into that index.
func (m *Entering) has(id string, in records.Label) bool {
	return slices.Contains(m.entered, entered{id, in})
}

// fetch reads the index of a label; it is nil if there is none.
func (x *Index) fetch(a *records.Access, of records.Label) (*records.Content, error) {
	return a.Fetch(x.opts.ID(of))
}

// Session is what an index has to know of a session that is about to be saved.
type Session struct {
	ID     string
	Next   *records.Content // that is about to be saved
	Before string           // the ID of the session that this one replaces in the count; "": it is an additional one
}

// Enter adds the session to the index of a label that it is about to have.
func (x *Index) Enter(a *records.Access, mine *Entering, s Session, in records.Label) error {
	err := x.enterWithin(a, mine, MaxEntries, s, in)
	if errors.Is(err, records.ErrTooLarge) { // to this store fewer are too many
		err = x.enterWithin(a, mine, 0, s, in)
	}
	if errors.Is(err, errFull) || errors.Is(err, records.ErrTooLarge) {
		return x.full(a.Caller(), in, err)
	}
	if err == nil {
		mine.entered = append(mine.entered, entered{s.ID, in})
	}
	return err
}

// full logs and reports that the index of a label is full, and returns the error for the sign-in.
func (x *Index) full(ctx context.Context, of records.Label, err error) error {
	x.opts.Observer.Report(ctx, observe.Event{Op: observe.Faulty, Fault: observe.ListFull, Err: err})
	list := slog.String("list", x.opts.ID(of))
	if of.Name != "" {
		x.opts.Logger.Error("session: the list of the sessions of a label is full, so no session gets the label; "+
			"end some by Manager.RevokeBy, and choose labels of fewer sessions; entries of failed sign-ins are removed after an hour",
			slog.String("label", of.Name), list, slog.Any("error", err))
		return fmt.Errorf("%w of this value of label %q: the list of them is full; end some by Manager.RevokeBy, or wait an hour if their sign-ins have failed", ErrTooManySessions, of.Name)
	}
	x.opts.Logger.Error("session: the list of an owner's sessions is full, so the owner cannot sign in; "+
		"end some by Manager.RevokeAll and set Config.OwnerLimit to what owners need; entries of failed sign-ins are removed after an hour",
		list, slog.Any("error", err))
	return fmt.Errorf("%w of the owner: the list of them is full; end some by Manager.RevokeAll, or wait an hour if their sign-ins have failed", ErrTooManySessions)
}

// errFull means that an index has MaxEntries entries of sessions that are alive or may be
// about to be saved.
var errFull = fmt.Errorf("session: %d entries", MaxEntries)

// enterWithin is Enter that looks for stale entries if there are at least room entries.
func (x *Index) enterWithin(a *records.Access, mine *Entering, room int, s Session, in records.Label) error {
	login := signIn{index: x, access: a, mine: mine, label: in, before: s.Before}
	return x.amend(a, in, func(old *records.Content, at envelope.Time) ([]entry, error) {
		login.at = at
		entries := entriesOf(old, at)
		if i := slices.IndexFunc(entries, func(e entry) bool { return e.id == s.ID }); i >= 0 {
			if e := entries[i]; e.commit >= records.Commits(s.Next.Version) && at.Before(e.since.Add(pendingTTL/2)) {
				return nil, nil
			}
			entries = slices.Delete(entries, i, i+1) // a pending removal of it must not remove the new one
		}
		entries, err := login.makeRoom(login.pruneSome(old, entries))
		if err == nil && len(entries) >= room {
			entries, err = login.pruneAbove(entries)
		}
		added := entry{id: s.ID, since: at, commit: records.Commits(s.Next.Version)}
		if s.Before != s.ID {
			added.before = tag(s.Before)
		}
		return append(entries, added), err
	})
}

// ReenterIfDue enters a session again into the indexes of the labels that it had before
// next, which follows base, if next is the first commit in an interval of TouchInterval.
func (x *Index) ReenterIfDue(a *records.Access, id string, base, next *records.Content) {
	if !next.Listed() || !x.reentryDue(base, next) {
		return
	}
	for _, l := range next.Labels() {
		if base.Has(l) {
			x.reenter(a, id, l, next)
		}
	}
}

// reenter adds the live session id with content c to the index of a label if it is
// missing: a store that evicts may have lost the index or restored an old one.
func (x *Index) reenter(a *records.Access, id string, in records.Label, c *records.Content) {
	err := x.amend(a, in, func(old *records.Content, at envelope.Time) ([]entry, error) {
		entries := entriesOf(old, at)
		if has(entries, id) {
			return nil, nil
		}
		if len(entries) >= MaxEntries {
			return nil, errFull
		}
		return append(entries, entry{id: id, since: at, commit: records.Commits(c.Version)}), nil
	})
	if err != nil {
		x.opts.Logger.Warn("session: perhaps not in a list of sessions that it belongs to, and then not ended by RevokeAll or RevokeBy",
			slog.String("public_id", id), slog.Any("error", err))
	}
}

// reentryDue reports whether next, which follows base, is the first commit of a session in
// an interval of TouchInterval. So a session in use is soon entered again, at no more cost
// than a touch.
func (x *Index) reentryDue(base, next *records.Content) bool {
	span := func(c *records.Content) int64 {
		return int64(c.Seen.Sub(base.Created) / x.opts.Lifetimes.TouchInterval)
	}
	return span(base) != span(next)
}

// Withdraw removes the entries of a session that was not saved as next and never will be
// under that ID.
func (x *Index) Withdraw(a *records.Access, mine *Entering, id string, next *records.Content) {
	for _, l := range next.Labels() {
		if mine.has(id, l) {
			x.remove(a, l, removal(id))
		}
	}
}

// Remove removes the session id, which has ended and had the content c, from the indexes of
// its labels.
func (x *Index) Remove(a *records.Access, id string, c *records.Content) {
	for _, l := range c.Labels() {
		x.remove(a, l, removal(id))
	}
}

// RemoveBefore removes the session id from the indexes of the labels that its content next
// does not have any more.
func (x *Index) RemoveBefore(a *records.Access, id string, base, next *records.Content) {
	for _, l := range base.LabelsNotOf(next) {
		x.remove(a, l, entry{id: id, commit: records.Commits(next.Version)})
	}
}

// remove removes entries, but not those that were made for the same sessions later. It is
// best effort: readers ignore the entries of ended sessions.
func (x *Index) remove(a *records.Access, from records.Label, ended ...entry) {
	err := x.amend(a, from, func(old *records.Content, at envelope.Time) ([]entry, error) {
		if old == nil {
			return nil, nil
		}
		entries := slices.DeleteFunc(entriesOf(old, at), func(e entry) bool {
			return slices.ContainsFunc(ended, e.coveredBy)
		})
		if len(entries) == old.Entries.Len() {
			return nil, nil
		}
		return entries, nil
	})
	if err != nil {
		x.opts.Logger.Warn("session: sessions that have ended could not be removed from a list of sessions; they stay until it is read", slog.Any("error", err))
	}
}

// amend replaces the index of a label by the result of edit, with compare-and-swap; nil
// leaves it unchanged. Edit gets nil if there is no index.
func (x *Index) amend(a *records.Access, of records.Label, edit func(old *records.Content, at envelope.Time) ([]entry, error)) error {
	old, err := x.fetch(a, of)
	if err == nil {
		_, err = a.ChangeUnqueued(x.opts.ID(of), old, func(old *records.Content) (*records.Content, error) {
			at := records.Now()
			entries, err := edit(old, at)
			if err != nil || entries == nil {
				return nil, err
			}
			return newIndex(of, old, entries, at), nil
		})
	}
	if errors.Is(err, records.ErrOutcomeUnknown) { // of the owner index; the session was not saved
		return fmt.Errorf("%w: a list of sessions: %v", records.ErrUnavailable, err)
	}
	return err
}
