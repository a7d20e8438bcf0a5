package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// An owner index is the record that lists the sessions of one owner. Its entries are
// named by the IDs of the sessions' records.
//
// A session is entered before it is saved, and struck off after it has ended, so
// that none ever lives unlisted, wherever a crash comes in between. An entry whose
// session is not there, or is another's, may be of one that is about to be saved;
// it stays until nothing can come of it any more. What the session's own record
// tells decides, not the Config: a Manager of another one must not strike off what
// is alive to others.

// ownerIndexFormat is the Format of an owner index's record.
const ownerIndexFormat = "holdfast-owner-index"

// limbo is how long an entry may be without its session: far longer than a commit
// takes between the two, and than clocks are off.
const limbo = time.Hour

// ownerIndexCodec names the format. The entries of an owner index are nobody's values.
type ownerIndexCodec struct{ cborCodec }

func (ownerIndexCodec) Name() string { return ownerIndexFormat }

func (c *content) isOwnerIndex() bool { return c.codec.Name() == ownerIndexFormat }

// crowd is how many entries an owner index may have before its owner's logins look for those of
// sessions that have just expired: at one of thinShare, at most maxThinned.
const (
	crowd      = 16
	thinShare  = 8
	maxThinned = 16
)

// maxPlaces is how many entries an owner index may have. It is read and written as a whole, and
// has to fit the limit of every store.
const maxPlaces = 4096

// place is one session's place in an owner index.
type place struct {
	id    string
	since time.Time
	from  int64 // the commit of the session's, counted, that makes it the owner's
}

// gone is the place of a session that has ended, whenever it was entered.
func gone(id string) place { return place{id: id, from: math.MaxInt64} }

// ordinal returns the place of a version's commit among those of its record.
func ordinal(version int64) int64 { return version >> 32 }

// over reports whether nothing can come of p any more, its record being c. An
// entry from after c's commit is of a login that is under way. A tombstone is
// nobody's.
func (p place) over(c *content, owner string, at time.Time) bool {
	switch {
	case c != nil && c.Owner == owner:
		return false
	case c != nil && p.from <= ordinal(c.version):
		return true
	default:
		return !at.Before(p.since.Add(limbo))
	}
}

// sameOrBefore reports whether p is over if o of the same session is.
func (p place) sameOrBefore(o place) bool {
	return o.id == p.id && (o.from > p.from || o.from == p.from && !o.since.Before(p.since))
}

// forgotten returns when nothing of p's session can be left, by any Config.
func (p place) forgotten() time.Time { return p.since.Add(maxCookieAge + limbo) }

func (m *Manager) ownerIndexID(owner string) string {
	return recordID("owner", m.cfg.Namespace, []byte(owner))
}

// index reads the index of owner, nil if there is none.
func (st *storage) index(owner string) (*content, error) { return st.fetch(st.m.ownerIndexID(owner)) }

// enter puts the session id, which is to be saved as next, into its owner's
// index. It counts in place of the session before, "" if it comes in addition.
func (st *storage) enter(id string, next *content, before string) error {
	err := st.enterWithin(maxPlaces, id, next, before)
	if errors.Is(err, ErrTooLarge) { // to this store fewer are too many
		err = st.enterWithin(0, id, next, before)
	}
	if errors.Is(err, errFull) || errors.Is(err, ErrTooLarge) {
		st.m.cfg.Logger.Error("session: the list of an owner's sessions is full, so the owner cannot sign in; "+
			"end some by Manager.RevokeAll and set Config.OwnerLimit to what owners need; entries of sign-ins that have failed go after an hour",
			slog.String("list", st.m.ownerIndexID(next.Owner)), slog.Any("error", err))
		return fmt.Errorf("%w: the list of them is full; end some by Manager.RevokeAll, or wait an hour if their sign-ins have failed", ErrTooManySessions)
	}
	if err == nil {
		st.entered = append(st.entered, id)
	}
	return err
}

// errFull: an owner index has maxPlaces entries of sessions that live or may be about to.
var errFull = fmt.Errorf("session: %d entries", maxPlaces)

// enterWithin is enter that looks for stale entries where there are as many as room.
func (st *storage) enterWithin(room int, id string, next *content, before string) error {
	return st.amend(next.Owner, func(old *content, at time.Time) ([]place, error) {
		places := places(old, at)
		if i := slices.IndexFunc(places, func(p place) bool { return p.id == id }); i >= 0 {
			if p := places[i]; p.from >= ordinal(next.version) && at.Before(p.since.Add(limbo/2)) {
				return nil, nil
			}
			places = slices.Delete(places, i, i+1) // whoever strikes that one off must miss the new one
		}
		places, err := st.makeRoom(next.Owner, before, st.thin(old, places, at), at)
		if err == nil && len(places) >= room {
			places, err = st.prune(next.Owner, places, at)
		}
		return append(places, place{id, at, ordinal(next.version)}), err
	})
}

// reenter puts the session id, which lives as c, into its owner's index if that lacks it:
// a store that evicts may have lost the owner index, or have it again as it was before.
func (st *storage) reenter(id string, c *content) {
	err := st.amend(c.Owner, func(old *content, at time.Time) ([]place, error) {
		places := places(old, at)
		if slices.ContainsFunc(places, func(p place) bool { return p.id == id }) {
			return nil, nil
		}
		if len(places) >= maxPlaces {
			return nil, errFull
		}
		return append(places, place{id, at, ordinal(c.version)}), nil
	})
	if err != nil {
		st.m.cfg.Logger.Warn("session: perhaps not in the list of its owner's sessions, and then not ended by RevokeAll",
			slog.String("public_id", id), slog.Any("error", err))
	}
}

// reentryDue reports whether next, which follows base, is the first commit of an owner's
// session in a span of TouchInterval. So one that is used is entered again soon, and each
// does no more for it than a touch.
func (m *Manager) reentryDue(base, next *content) bool {
	if next.Owner == "" || base.Owner != next.Owner {
		return false
	}
	span := func(c *content) int64 { return int64(c.Seen.Sub(base.Created) / m.cfg.TouchInterval) }
	return span(base) != span(next)
}

// lists reports whether the session id is in the owner index c.
func lists(c *content, id string, at time.Time) bool {
	return slices.ContainsFunc(places(c, at), func(p place) bool { return p.id == id })
}

// retract takes back the entry of a session that was not saved, and under whose ID nothing
// will be.
func (st *storage) retract(id, owner string) {
	if slices.Contains(st.entered, id) {
		st.strike(owner, gone(id))
	}
}

// strike takes these places off their owner's index, but not those that the
// sessions have got there since. It is a courtesy: who reads the owner index passes over
// them.
func (st *storage) strike(owner string, over ...place) {
	err := st.amend(owner, func(old *content, at time.Time) ([]place, error) {
		if old == nil {
			return nil, nil
		}
		places := slices.DeleteFunc(places(old, at), func(p place) bool {
			return slices.ContainsFunc(over, p.sameOrBefore)
		})
		if len(places) == old.Entries.Len() {
			return nil, nil
		}
		return places, nil
	})
	if err != nil {
		st.m.cfg.Logger.Warn("session: sessions that are not there stay in their owner's list until it is read", slog.Any("error", err))
	}
}

// amend makes the index of owner what edit returns, by compare-and-swap; nil
// leaves it as it is. edit gets nil for an owner index that is not there.
func (st *storage) amend(owner string, edit func(old *content, at time.Time) ([]place, error)) error {
	old, err := st.index(owner)
	for try := 1; err == nil; try++ {
		at := now()
		places, editErr := edit(old, at)
		if editErr != nil || places == nil {
			return editErr
		}
		var out outcome
		out, err = st.save(st.m.ownerIndexID(owner), newOwnerIndex(owner, old, places, at), versionOf(old))
		if err != nil || out.landed {
			break
		}
		if old = out.current; !st.backOff(try) {
			return st.outrun()
		}
	}
	if errors.Is(err, ErrOutcomeUnknown) { // of the owner index; the session was not saved
		return fmt.Errorf("%w: the owner's index: %v", ErrUnavailable, err)
	}
	return err
}

// places returns who is in an owner index and may still live.
func places(c *content, at time.Time) []place {
	places := []place{}
	if c == nil {
		return places
	}
	for name, value := range c.Entries.All() {
		ms, n := binary.Uvarint(value)
		from, _ := binary.Uvarint(value[max(n, 0):])
		p := place{string(name), time.UnixMilli(int64(ms)), int64(from)}
		if at.Before(p.forgotten()) {
			places = append(places, p)
		}
	}
	return places
}

// newOwnerIndex returns the owner index that follows old. It lives as long as any of its
// sessions may; an empty one, as long as a tombstone.
func newOwnerIndex(owner string, old *content, places []place, at time.Time) *content {
	next := follow(&content{codec: ownerIndexCodec{}})
	next.Created, next.Started, next.Owner = at, at, owner
	next.expires = at.Add(tombstoneLifetime)
	var entries []envelope.Edit
	for _, p := range places {
		value := binary.AppendUvarint(nil, uint64(p.since.UnixMilli()))
		value = binary.AppendUvarint(value, uint64(p.from))
		entries = append(entries, envelope.Edit{Name: p.id, Value: value})
		if end := p.forgotten(); end.After(next.expires) {
			next.expires = end
		}
	}
	next.encode(old, new(envelope.Entries), entries)
	return next
}
