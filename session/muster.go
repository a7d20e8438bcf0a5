package session

import (
	"context"
	"errors"
	"slices"
	"time"
)

// muster is what a roster comes to when its sessions are looked up.
type muster struct {
	live   []member // the oldest first
	absent []place  // not there or another's, but perhaps not for long; or unreadable
	over   []place
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
		case p.over(c, owner, at):
			found.over = append(found.over, p)
		case c != nil && c.Owner == owner && !st.m.expired(c):
			found.live = append(found.live, member{p, c})
		default:
			found.absent = append(found.absent, p)
		}
	}
	return found, nil
}

// thin looks at a few places of a roster that has many, others each time, and
// returns those that are left: where nobody lists the sessions, it would grow by
// every one that is not logged out of.
func (st *storage) thin(old *content, all []place, at time.Time) []place {
	if len(all) < crowd {
		return all
	}
	first := int(2 * ordinal(old.version) % int64(len(all)))
	found, err := st.muster(st.ctx(), old.Owner, []place{all[first], all[(first+1)%len(all)]}, at)
	if err != nil { // then it stays as it is
		return all
	}
	return slices.DeleteFunc(all, func(p place) bool { return slices.Contains(found.over, p) })
}

// makeRoom ends the oldest sessions of an owner who has as many as OwnerLimit
// allows, or refuses one more, and returns the places that are left. The session
// before is not one of them, for one of its own is about to replace it.
func (st *storage) makeRoom(owner, before string, places []place, at time.Time) ([]place, error) {
	limit := st.m.cfg.OwnerLimit
	if limit == 0 || len(places) < limit {
		return places, nil
	}
	found, err := st.muster(st.ctx(), owner, places, at)
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
		if err := st.end(&doomed{identity: identity{id: oldest.id}, base: oldest.content, owner: owner}); err != nil {
			return nil, err
		}
		found.over = append(found.over, oldest.place)
		over--
	}
	return found.places(), nil
}

// places returns those who stay in the roster.
func (f *muster) places() []place {
	places := slices.Clone(f.absent)
	for _, m := range f.live {
		if !slices.Contains(f.over, m.place) {
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
