// Package owners keeps one record for each owner that lists the owner's sessions: the
// owner index. A provider has no index of its own.
//
// A session is entered before it is saved, and removed after it has ended, so that no
// live session is missing in the index, wherever a crash happens. If the session of an
// entry is absent, or belongs to another owner, it may be about to be saved. The entry
// stays until the pending save can no longer succeed. That is decided by the session's
// own record and not by the Config: a Manager with another Config must not remove an
// entry whose session is alive for others.
package owners

import (
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
	ErrTooManySessions = errors.New("session: the owner has too many sessions")
	ErrNotListed       = errors.New("session: the store has lost the list of the owner's sessions, and some may live; repeat this after TouchInterval, and see that the store evicts nothing")
)

// Options configure an Index. None has a default.
type Options struct {
	ID        func(owner string) string // of the record of an owner's index
	Limit     int                       // of an owner's sessions; negative: none
	Refuses   bool                      // refuse a session above Limit
	Lifetimes *records.Lifetimes
	Logger    *slog.Logger
	Observer  observe.Observer
}

// Index keeps the indexes of all owners. It is safe for concurrent use.
type Index struct {
	store *records.Store
	opts  Options
}

// New returns an Index that keeps its records in store.
func New(store *records.Store, o Options) *Index { return &Index{store: store, opts: o} }

// Entering records which sessions one commit has entered. It is for one goroutine.
type Entering struct{ ids []string }

// fetch reads the index of owner; it is nil if there is none.
func (x *Index) fetch(a *records.Access, owner string) (*records.Content, error) {
	return a.Fetch(x.opts.ID(owner))
}

// Enter adds the session id, which is about to be saved as next, to its owner's index. It
// replaces the session before in the count; "" means that it is an additional one.
func (x *Index) Enter(a *records.Access, mine *Entering, id string, next *records.Content, before string) error {
	err := x.enterWithin(a, mine, MaxEntries, id, next, before)
	if errors.Is(err, records.ErrTooLarge) { // to this store fewer are too many
		err = x.enterWithin(a, mine, 0, id, next, before)
	}
	if errors.Is(err, errFull) || errors.Is(err, records.ErrTooLarge) {
		x.opts.Logger.Error("session: the list of an owner's sessions is full, so the owner cannot sign in; "+
			"end some by Manager.RevokeAll and set Config.OwnerLimit to what owners need; entries of failed sign-ins are removed after an hour",
			slog.String("list", x.opts.ID(next.Owner)), slog.Any("error", err))
		return fmt.Errorf("%w: the list of them is full; end some by Manager.RevokeAll, or wait an hour if their sign-ins have failed", ErrTooManySessions)
	}
	if err == nil {
		mine.ids = append(mine.ids, id)
	}
	return err
}

// errFull means that an index has MaxEntries entries of sessions that are alive or may be
// about to be saved.
var errFull = fmt.Errorf("session: %d entries", MaxEntries)

// enterWithin is Enter that looks for stale entries if there are at least room entries.
func (x *Index) enterWithin(a *records.Access, mine *Entering, room int, id string, next *records.Content, before string) error {
	return x.amend(a, next.Owner, func(old *records.Content, at envelope.Time) ([]entry, error) {
		entries := entriesOf(old, at)
		if i := slices.IndexFunc(entries, func(e entry) bool { return e.id == id }); i >= 0 {
			if e := entries[i]; e.commit >= records.Commits(next.Version) && at.Before(e.since.Add(pendingTTL/2)) {
				return nil, nil
			}
			entries = slices.Delete(entries, i, i+1) // a pending removal of it must not remove the new one
		}
		login := signIn{index: x, access: a, mine: mine, owner: next.Owner, before: before, at: at}
		entries, err := login.makeRoom(login.pruneSome(old, entries))
		if err == nil && len(entries) >= room {
			entries, err = login.pruneAbove(entries)
		}
		added := entry{id: id, since: at, commit: records.Commits(next.Version)}
		if before != id {
			added.before = tag(before)
		}
		return append(entries, added), err
	})
}

// Reenter adds the live session id with content c to its owner's index if it is missing:
// a store that evicts may have lost the index or restored an old one.
func (x *Index) Reenter(a *records.Access, id string, c *records.Content) {
	err := x.amend(a, c.Owner, func(old *records.Content, at envelope.Time) ([]entry, error) {
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
		x.opts.Logger.Warn("session: perhaps not in the list of its owner's sessions, and then not ended by RevokeAll",
			slog.String("public_id", id), slog.Any("error", err))
	}
}

// ReentryDue reports whether next, which follows base, is the first commit of an owner's
// session in an interval of TouchInterval. So a session in use is soon entered again, at
// no more cost than a touch.
func (x *Index) ReentryDue(base, next *records.Content) bool {
	if next.Owner == "" || base.Owner != next.Owner {
		return false
	}
	span := func(c *records.Content) int64 {
		return int64(c.Seen.Sub(base.Created) / x.opts.Lifetimes.TouchInterval)
	}
	return span(base) != span(next)
}

// Withdraw removes the entry of a session that was not saved and never will be under that
// ID.
func (x *Index) Withdraw(a *records.Access, mine *Entering, id, owner string) {
	if slices.Contains(mine.ids, id) {
		x.Remove(a, owner, id)
	}
}

// Remove removes the ended session id from its owner's index.
func (x *Index) Remove(a *records.Access, owner, id string) { x.remove(a, owner, removal(id)) }

// RemoveBefore removes the session id from its former owner's index, because its content
// next has another owner.
func (x *Index) RemoveBefore(a *records.Access, owner, id string, next *records.Content) {
	x.remove(a, owner, entry{id: id, commit: records.Commits(next.Version)})
}

// remove removes entries, but not those that were made for the same sessions later. It is
// best effort: readers ignore the entries of ended sessions.
func (x *Index) remove(a *records.Access, owner string, ended ...entry) {
	err := x.amend(a, owner, func(old *records.Content, at envelope.Time) ([]entry, error) {
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
		x.opts.Logger.Warn("session: sessions that have ended could not be removed from their owner's list; they stay until it is read", slog.Any("error", err))
	}
}

// amend replaces the index of owner by the result of edit, with compare-and-swap; nil
// leaves it unchanged. Edit gets nil if there is no index.
func (x *Index) amend(a *records.Access, owner string, edit func(old *records.Content, at envelope.Time) ([]entry, error)) error {
	old, err := x.fetch(a, owner)
	if err == nil {
		_, err = a.ChangeUnqueued(x.opts.ID(owner), old, func(old *records.Content) (*records.Content, error) {
			at := records.Now()
			entries, err := edit(old, at)
			if err != nil || entries == nil {
				return nil, err
			}
			return newIndex(owner, old, entries, at), nil
		})
	}
	if errors.Is(err, records.ErrOutcomeUnknown) { // of the owner index; the session was not saved
		return fmt.Errorf("%w: the owner's index: %v", records.ErrUnavailable, err)
	}
	return err
}
