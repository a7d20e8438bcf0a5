package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// muster is what an owner index comes to when its sessions are looked up.
type muster struct {
	live    []member // the oldest first
	pending []place  // not there or another's, but perhaps not for long
	unread  []place
	over    []place
}

type member struct {
	place
	*content
}

// muster looks up the sessions at these places, each within StoreTimeout.
func (st *storage) muster(ctx context.Context, owner string, places []place, at time.Time) (muster, error) {
	var found muster
	slices.SortFunc(places, func(a, b place) int { return a.since.Compare(b.since) })
	records := st.lookUp(ctx, places)
	for _, r := range records {
		if r.err != nil && !errors.Is(r.err, ErrUnreadable) {
			return muster{}, r.err
		}
	}
	for i, p := range places {
		switch c := records[i].content; {
		case records[i].err != nil:
			found.unread = append(found.unread, p)
		case p.over(c, owner, at):
			found.over = append(found.over, p)
		case c != nil && c.Owner == owner && !st.m.expired(c):
			found.live = append(found.live, member{p, c})
		default:
			found.pending = append(found.pending, p)
		}
	}
	return found, nil
}

// lookups is how many sessions of an owner are read at once.
const lookups = 8

// lookup is what was found at a place; nil is no record.
type lookup struct {
	*content
	err error
}

var errNotLookedUp = fmt.Errorf("%w: a session of the owner was not looked up", ErrUnavailable)

// lookUp reads the records at these places. After a failure it reads no more.
func (st *storage) lookUp(ctx context.Context, places []place) []lookup {
	found := make([]lookup, len(places))
	var failed atomic.Bool
	st.m.each(len(places), func(i int) {
		found[i].err = errNotLookedUp // also if the provider ends the goroutine
		switch {
		case ctx.Err() != nil:
			found[i].err = unavailable(context.Cause(ctx))
		case !failed.Load():
			one := st.m.storage(st.asks, nil)
			found[i].content, found[i].err = one.fetch(places[i].id)
		}
		if err := found[i].err; err != nil && !errors.Is(err, ErrUnreadable) {
			failed.Store(true)
		}
	})
	return found
}

// each calls do with 0 to n-1, some at the same time unless the store is in this process.
// It panics if one of them does.
func (m *Manager) each(n int, do func(i int)) {
	workers := min(n, lookups)
	if m.local || workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var panicked atomic.Pointer[any]
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.Store(&p)
				}
			}()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	all.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
}

// thin looks up some places of an owner index that has many, others each time, and
// returns those that are left: where nobody lists the sessions, it would grow by
// every one that is not logged out of.
func (st *storage) thin(old *content, all []place, at time.Time) []place {
	if len(all) < crowd {
		return all
	}
	n := min(len(all)/thinShare, maxThinned)
	first := int(int64(n) * ordinal(old.version) % int64(len(all)))
	some := slices.Concat(all[first:], all[:first])[:n]
	found, err := st.muster(st.ctx(), old.Owner, some, at)
	if err != nil { // then it stays as it is
		return all
	}
	return slices.DeleteFunc(all, func(p place) bool { return slices.Contains(found.over, p) })
}

// prune returns the places at which there is a session or may be one soon.
func (st *storage) prune(owner string, all []place, at time.Time) ([]place, error) {
	found, err := st.muster(st.ctx(), owner, all, at)
	st.restart()
	if left := found.places(); err != nil || len(left) < maxPlaces {
		return left, err
	}
	return nil, errFull
}

// makeRoom ends the oldest sessions of an owner who has as many as OwnerLimit
// allows, or refuses one more, and returns the places that are left. The session
// before is not one of them, for one of its own is about to replace it.
func (st *storage) makeRoom(owner, before string, places []place, at time.Time) ([]place, error) {
	limit := st.m.cfg.OwnerLimit
	if limit < 0 || len(places) < limit {
		return places, nil
	}
	found, err := st.muster(st.ctx(), owner, places, at)
	if err == nil {
		err = st.endStrays(owner, before, &found)
	}
	switch {
	case err != nil:
	case st.m.cfg.OwnerLimitRefuses:
		err = st.refuse(owner, before, &found)
	default:
		err = st.endOldest(owner, before, &found)
	}
	st.restart()
	return found.places(), err
}

// endStrays ends sessions that this very commit has begun: their saves have arrived after
// they were given up, and nobody has their cookies.
func (st *storage) endStrays(owner, before string, found *muster) error {
	for i := 0; i < len(found.live); {
		stray := found.live[i]
		if stray.id == before || !slices.Contains(st.entered, stray.id) {
			i++
			continue
		}
		if err := st.endOne(owner, stray, found); err != nil {
			return err
		}
	}
	return nil
}

// endOne ends a session of found's that lives.
func (st *storage) endOne(owner string, one member, found *muster) error {
	if err := st.end(&doomed{identity: identity{id: one.id}, base: one.content, owner: owner}); err != nil {
		return err
	}
	found.live = slices.DeleteFunc(found.live, func(o member) bool { return o.id == one.id })
	found.over = append(found.over, one.place)
	return nil
}

// excess returns how many sessions there are too many if one is added that replaces the
// session before.
func (f *muster) excess(limit int, before string) int {
	n := len(f.live) + 1 - limit
	if f.lives(before) {
		n--
	}
	return n
}

func (f *muster) lives(id string) bool {
	return slices.ContainsFunc(f.live, func(o member) bool { return o.id == id })
}

// endOldest ends as many of the oldest sessions as there are too many.
func (st *storage) endOldest(owner, before string, found *muster) error {
	for excess := found.excess(st.m.cfg.OwnerLimit, before); excess > 0; excess-- {
		oldest := slices.IndexFunc(found.live, func(o member) bool { return o.id != before })
		if oldest < 0 {
			break
		}
		if err := st.endOne(owner, found.live[oldest], found); err != nil {
			return err
		}
	}
	return nil
}

// refuse returns ErrTooManySessions if there is no room for one session more. Only
// sessions that live take room: a login that has entered its session and failed must not
// keep the next one out. Whether one is under way or has failed nobody can tell, so it is
// given a moment.
func (st *storage) refuse(owner, before string, found *muster) error {
	if found.lives(before) { // which adds no session
		return nil
	}
	limit, begin := st.m.cfg.OwnerLimit, time.Now()
	for try := 1; ; try++ {
		room := limit - len(found.live)
		if room <= 0 {
			return ErrTooManySessions
		}
		coming := found.coming(st.entered, now())
		left := loginTime - time.Since(begin)
		if len(coming) < room || left <= 0 {
			return nil
		}
		time.Sleep(min(left, time.Millisecond<<min(try, 6)))
		if err := st.lookAgain(owner, coming, found); err != nil {
			return err
		}
	}
}

// loginTime is how long a login is given from its entry until its session is there, where
// others are to be refused.
const loginTime = time.Second

// coming returns the places of logins that are likely to be under way, other than the
// request's own.
func (f *muster) coming(own []string, at time.Time) []place {
	var coming []place
	for _, p := range f.pending {
		if at.Before(p.since.Add(loginTime)) && !slices.Contains(own, p.id) {
			coming = append(coming, p)
		}
	}
	return coming
}

// lookAgain looks up some of the pending sessions once more.
func (st *storage) lookAgain(owner string, some []place, found *muster) error {
	again, err := st.muster(st.ctx(), owner, some, now())
	if err != nil {
		return err
	}
	found.pending = slices.DeleteFunc(found.pending, func(p place) bool { return slices.Contains(some, p) })
	found.pending = append(found.pending, again.pending...)
	found.unread = append(found.unread, again.unread...)
	found.over = append(found.over, again.over...)
	found.live = append(found.live, again.live...)
	return nil
}

// places returns those who stay in the owner index.
func (f *muster) places() []place {
	places := slices.Concat(f.pending, f.unread)
	for _, m := range f.live {
		places = append(places, m.place)
	}
	return places
}
