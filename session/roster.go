package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// A roster is the record that lists the sessions of one owner. Its entries are
// named by the IDs of the sessions' records.
//
// A session is entered before it is saved, and struck off after it has ended, so
// that none ever lives unlisted, wherever a crash comes in between. An entry whose
// session is not there may be of one that is about to be saved; it stays until
// nothing can come of it any more.

// rosterFormat is the Format of a roster's record.
const rosterFormat = "holdfast-roster"

// limbo is how long an entry may be without its session: far longer than a commit
// takes between the two, and than clocks are off.
const limbo = time.Hour

// rosterCodec names the format. The entries of a roster are nobody's values.
type rosterCodec struct{ cborCodec }

func (rosterCodec) Name() string { return rosterFormat }

func (c *content) isRoster() bool { return c.codec.Name() == rosterFormat }

// place is one session's place in a roster.
type place struct {
	id    string
	since time.Time
}

func (m *Manager) rosterID(owner string) string {
	return recordID("owner", m.cfg.Namespace, []byte(owner))
}

// roster reads the roster of owner, nil if there is none.
func (st *storage) roster(owner string) (*content, error) { return st.fetch(st.m.rosterID(owner)) }

// enter puts the session id into its owner's roster. It counts in place of the
// session before, "" if it comes in addition.
func (st *storage) enter(owner, id, before string) error {
	return st.amend(owner, func(old *content, at time.Time) ([]place, error) {
		if old != nil {
			if _, in := old.Find(id); in {
				return nil, nil
			}
		}
		places, err := st.makeRoom(owner, before, st.m.places(old, at), at)
		return append(places, place{id, at}), err
	})
}

// strike takes sessions that have ended off their owner's roster. It is a
// courtesy: who reads the roster passes over them.
func (st *storage) strike(owner string, ended ...string) {
	err := st.amend(owner, func(old *content, at time.Time) ([]place, error) {
		if old == nil {
			return nil, nil
		}
		places := slices.DeleteFunc(st.m.places(old, at), func(p place) bool { return slices.Contains(ended, p.id) })
		if len(places) == len(old.Entries) {
			return nil, nil
		}
		return places, nil
	})
	if err != nil {
		st.m.cfg.Logger.Warn("session: ended sessions stay in their owner's roster until it is read", slog.Any("error", err))
	}
}

// amend makes the roster of owner what edit returns, by compare-and-swap; nil
// leaves it as it is. edit gets nil for a roster that is not there.
func (st *storage) amend(owner string, edit func(old *content, at time.Time) ([]place, error)) error {
	old, err := st.roster(owner)
	for try := 1; err == nil; try++ {
		at := now()
		places, editErr := edit(old, at)
		if editErr != nil || places == nil {
			return editErr
		}
		var out outcome
		out, err = st.save(st.m.rosterID(owner), st.m.newRoster(owner, old, places, at), versionOf(old))
		if err != nil || out.landed {
			break
		}
		if old = out.current; !st.pause(afterConflict, try) {
			return st.outrun()
		}
	}
	if errors.Is(err, ErrOutcomeUnknown) { // of the roster; the session was not saved
		return fmt.Errorf("%w: the owner's roster: %v", ErrUnavailable, err)
	}
	return err
}

// places returns who is in a roster and may still live.
func (m *Manager) places(c *content, at time.Time) []place {
	places := []place{}
	if c == nil {
		return places
	}
	for _, e := range c.Entries {
		ms, _ := binary.Uvarint(e.Value)
		p := place{string(e.Name), time.UnixMilli(int64(ms))}
		if at.Before(m.forgotten(p)) {
			places = append(places, p)
		}
	}
	return places
}

// forgotten returns when nothing of p's session can be left.
func (m *Manager) forgotten(p place) time.Time { return p.since.Add(m.cfg.MaxLifetime + limbo) }

// newRoster returns the roster that follows old. It lives as long as any of its
// sessions may; an empty one, as long as a tombstone.
func (m *Manager) newRoster(owner string, old *content, places []place, at time.Time) *content {
	next := follow(&content{codec: rosterCodec{}}, old)
	next.Created, next.Started, next.Owner = at, at, owner
	next.expires = at.Add(tombstoneLifetime)
	for _, p := range places {
		since := binary.AppendUvarint(nil, uint64(p.since.UnixMilli()))
		next.Entries = append(next.Entries, envelope.Entry{Name: []byte(p.id), Value: since})
		if end := m.forgotten(p); end.After(next.expires) {
			next.expires = end
		}
	}
	slices.SortFunc(next.Entries, func(a, b envelope.Entry) int { return bytes.Compare(a.Name, b.Name) })
	return next
}

// muster is what a roster comes to when its sessions are looked up.
type muster struct {
	live   []member // the oldest first
	absent []place  // not there or another's, but perhaps not for long; or unreadable
	ended  []string
}

type member struct {
	place
	*content
}

// muster looks up the sessions at these places, each within StoreTimeout.
func (st *storage) muster(ctx context.Context, owner string, places []place, at time.Time) (muster, error) {
	var found muster
	slices.SortFunc(places, func(a, b place) int { return a.since.Compare(b.since) })
	for _, p := range places {
		if ctx.Err() != nil {
			return muster{}, unavailable(context.Cause(ctx))
		}
		st.restart()
		c, err := st.fetch(p.id)
		switch {
		case errors.Is(err, ErrUnreadable):
			found.absent = append(found.absent, p)
		case err != nil:
			return muster{}, err
		case c != nil && c.Tombstone:
			found.ended = append(found.ended, p.id)
		case c != nil && c.Owner == owner && !st.m.expired(c):
			found.live = append(found.live, member{p, c})
		case at.Before(p.since.Add(limbo)):
			found.absent = append(found.absent, p)
		default:
			found.ended = append(found.ended, p.id)
		}
	}
	return found, nil
}

// makeRoom ends the oldest sessions of an owner who has as many as OwnerLimit
// allows, or refuses one more, and returns the places that are left. The session
// before is not one of them, for one of its own is about to replace it.
func (st *storage) makeRoom(owner, before string, places []place, at time.Time) ([]place, error) {
	limit := st.m.cfg.OwnerLimit
	if limit == 0 || len(places) < limit {
		return places, nil
	}
	found, err := st.muster(st.ctx, owner, places, at)
	if err != nil {
		return nil, err
	}
	over := len(found.live) + 1 - limit
	if slices.ContainsFunc(found.live, func(o member) bool { return o.id == before }) {
		over--
	}
	if st.m.cfg.OwnerLimitRefuses {
		if over+found.signingIn(at) > 0 {
			return nil, ErrTooManySessions
		}
		return found.places(), nil
	}
	for _, oldest := range found.live {
		if over <= 0 {
			break
		}
		if oldest.id == before {
			continue
		}
		if err := st.end(oldest.id, oldest.content, owner); err != nil {
			return nil, err
		}
		found.ended = append(found.ended, oldest.id)
		over--
	}
	return found.places(), nil
}

// places returns those who stay in the roster.
func (f *muster) places() []place {
	places := slices.Clone(f.absent)
	for _, m := range f.live {
		if !slices.Contains(f.ended, m.id) {
			places = append(places, m.place)
		}
	}
	return places
}

// signingIn returns how many are likely to come.
func (f *muster) signingIn(at time.Time) int {
	n := 0
	for _, p := range f.absent {
		if at.Before(p.since.Add(tombstoneLifetime)) {
			n++
		}
	}
	return n
}
