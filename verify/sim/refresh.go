package sim

import (
	"context"
	"slices"
	"time"
)

// refresh calls Refresh, which commits by itself: what it has committed, or has read
// anew, is a call of its own in the history.
func (h *recorder) refresh(s verbs, o op) {
	v := h.begins()
	if v == nil {
		return
	}
	looks, seenFirst, redeemed := 0, int32(none), false
	old, made := int32(none), int32(none)
	stale := func(n int) bool {
		looks++
		if looks == 1 {
			seenFirst = present(n)
		}
		return int32(n)%grantStep < o.n
	}
	got, err := s.refresh(h.ctx, stale, func(ctx context.Context, n int) (int, error) {
		old = present(n)
		if int32(n)%grantStep >= o.n {
			h.breach("token %d is renewed though it is not stale", n)
		}
		if h.run.isRevoked(v) {
			h.breach("a token is renewed of a session that RevokeEverything has ended")
		}
		var err error
		made, redeemed, err = h.renew(ctx, o, int32(n))
		h.run.wakes(v)
		return int(made), err
	})
	o.key = refreshed
	note := seen{op: o, val: seenFirst}
	if made != none {
		note.was = 1
	}
	h.ops = append(h.ops, note)
	switch {
	case made == none && err == nil && looks > 1: // another request has renewed it
		v.does(committed, seen{op: op{verb: get, key: refreshed}, val: present(got)})
	case made > 0 && (redeemed || err == nil):
		h.committed(v, old, made, got, err)
	case judge(err) == gone:
		v.does(gone)
	}
	v.err = err
	h.run.ends(v)
}

// present returns the value of the key of Refresh, where 0 stands for none.
func present(n int) int32 {
	if n == 0 {
		return none
	}
	return int32(n)
}

// committed notes that Refresh has saved what its function has made of old, or why not.
func (h *recorder) committed(v *visit, old, made int32, got int, err error) {
	verdict := judge(err)
	v.does(verdict, seen{op: op{verb: get, key: refreshed}, val: old}, seen{op: op{verb: set, key: refreshed, n: made}, val: made})
	switch {
	case err == nil && made%grantStep == poison:
		h.breach("a function that came back too late was not fenced")
	case got != int(made):
		h.breach("Refresh returned %d and not %d, which its function has made", got, made)
	case err != nil:
		if why := h.run.lose(h, made, verdict); why != "" {
			h.breach("%s", why)
		}
	}
}

// begins notes that a call of Refresh begins. It returns nil if the model has no word for
// it: in a session that the request has begun or destroyed, after a Clear that is not
// saved, and after a commit that was refused.
func (h *recorder) begins() *visit {
	sent := h.v.sent
	for _, s := range h.v.segs {
		if s.verdict != committed {
			return nil
		}
		if hasVerb(s, renew) {
			sent = h.v.own()
		}
	}
	all := append(slices.Clone(h.v.segs), h.segment)
	if h.v.isNew || h.actor == nil || hasVerb(h.segment, clear_) || slices.ContainsFunc(all, func(s segment) bool { return hasVerb(s, destroy) }) {
		return nil
	}
	return h.run.begins(h.v, sent)
}

func hasVerb(s segment, verb verb) bool {
	return slices.ContainsFunc(s.ops, func(o seen) bool { return o.verb == verb })
}

// begins adds a call of Refresh to the history, unless there are many.
func (st *run) begins(by *visit, sent ticket) *visit {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.calls) == maxRefreshes {
		return nil
	}
	v := &visit{
		id: firstCall + len(st.calls), client: by.client, host: by.host, period: by.period, at: by.at,
		sent: sent, out: noTicket, runs: 1, begun: time.Since(st.opened), ofRefresh: true,
	}
	st.calls = append(st.calls, v)
	st.h.events = append(st.h.events, event{visit: v.id, at: v.begun})
	return v
}

// wakes notes that the function of a call of Refresh has returned.
func (st *run) wakes(v *visit) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.h.events = append(st.h.events, event{visit: v.id, what: wake, run: v.runs, at: time.Since(st.opened)})
}

func (st *run) ends(v *visit) {
	st.mu.Lock()
	defer st.mu.Unlock()
	v.end = time.Since(st.opened)
	st.h.events = append(st.h.events, event{visit: v.id, what: end, at: v.end})
}

// does notes what a call of Refresh has done to the session.
func (v *visit) does(verdict verdict, ops ...seen) {
	v.loaded = true
	v.segs = []segment{{ops: ops, verdict: verdict}}
}

// firstCall is the ID of the first call of Refresh, until all visits are known.
const firstCall = 1000

// addCalls puts the calls of Refresh that have done something behind the visits.
func (st *run) addCalls() {
	ids := map[int]int{}
	for _, v := range st.calls {
		if v.loaded {
			ids[v.id] = len(st.h.visits)
			v.id = ids[v.id]
			st.h.visits = append(st.h.visits, v)
		}
	}
	var events []event
	for _, e := range st.h.events {
		if e.visit >= firstCall {
			id, ok := ids[e.visit]
			if !ok {
				continue
			}
			e.visit = id
		}
		events = append(events, e)
	}
	st.h.events = events
}

// hasOp reports whether any request of p has that verb.
func (p *Program) hasOp(verb verb) bool {
	is := func(o op) bool { return o.verb == verb }
	return slices.ContainsFunc(p.clients, func(c client) bool {
		return slices.ContainsFunc(c.requests, func(r request) bool {
			return slices.ContainsFunc(r.ops, func(o op) bool { return is(o) || slices.ContainsFunc(o.body, is) })
		})
	})
}
