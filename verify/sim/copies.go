package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What Config.ReadCache lets a visit see: a session as it was up to MaxStale before the
// visit began. So its load may take place as long before, but not before anything that its
// browser has seen already, nor before the end of the session at the same instance.

// isSafe reports whether the request is a GET, which may use a copy.
func (r request) isSafe() bool { return r.mode == safe || r.mode == handler && r.get }

// mayUseCopy reports whether what v has read may come from a copy. A second run of a
// handler reads the store.
func (v *visit) mayUseCopy(p *Program) bool {
	return p.maxStale > 0 && v.request.isSafe() && v.runs == 1 && v.client >= 0
}

// earliest returns the event before which the load of a visit may not take place, by the
// time alone.
func (h *History) earliest(v *visit) int {
	i := slices.IndexFunc(h.events, func(e event) bool { return e.at >= v.begun-h.program.maxStale })
	return max(i, 0)
}

// early is a load that may take place before its visit has begun.
type early struct {
	first, begins int // events: not before the one, and if it is early, before the other
	after         []*visit
}

// earlyLoad returns what there is to know of the load of v if it may use a copy.
func (h *History) earlyLoad(v *visit) *early {
	if !v.mayUseCopy(h.program) {
		return nil
	}
	begins := slices.IndexFunc(h.events, func(e event) bool { return e.visit == v.id && e.what == begin })
	return &early{h.earliest(v), begins, h.shownBefore(v)}
}

// opens reports whether the load may take place before the given event though its visit has
// not begun.
func (e *early) opens(from int) bool { return e != nil && e.first <= from && from <= e.begins }

// mayLoad reports whether a visit may load before the given event.
func (o *oracle) mayLoad(from int, w *world, id int) bool {
	e := o.early[id]
	if w.at[id].may > 0 || !e.opens(from) {
		return w.at[id].may > 0
	}
	return !slices.ContainsFunc(e.after, func(u *visit) bool { return !o.isDone(from, w, u) })
}

// isDone reports whether a visit has taken the steps that its answer tells of.
func (o *oracle) isDone(from int, w *world, u *visit) bool {
	ended := slices.ContainsFunc(o.h.events[:from], func(e event) bool { return e.visit == u.id && e.what == end })
	return ended || w.at[u.id].step >= 1+o.scripts[u.id].must
}

// shownBefore returns the visits whose load and commits must have taken place before v
// loads.
func (h *History) shownBefore(v *visit) (list []*visit) {
	for _, u := range h.visits {
		if u.end < v.begun && u.answered && (h.sawSame(u, v) || u.host == v.host && u.sent == v.sent && u.ends()) {
			list = append(list, u)
		}
	}
	return list
}

// sawSame reports whether the browser of v has seen with u the session that v comes with.
// The cookie of a version tells nothing about the end of a session.
func (h *History) sawSame(u, v *visit) bool {
	return u.client == v.client && v.sent >= 0 &&
		(u.sent == v.sent && !u.isNew && !u.ends() && !u.meets(gone) || u.out == v.sent && u.out == u.own())
}

// ends reports whether v has tried to end a session.
func (v *visit) ends() bool { return v.has(renew) || v.has(destroy) || v.has(revoke) }

// meets reports whether that has become of one of v's commits.
func (v *visit) meets(verdict verdict) bool {
	return slices.ContainsFunc(v.segs, func(g segment) bool { return g.verdict == verdict })
}

// seenVersions are the cookies of versions that a browser holds, by session.
type seenVersions map[string]seenVersion

type seenVersion struct {
	value string
	until time.Time
}

const versionCookie = cookieName + "-version"

// send adds those that have not expired to the request.
func (seen seenVersions) send(x *exchange) {
	for _, of := range slices.Sorted(maps.Keys(seen)) {
		if time.Now().Before(seen[of].until) {
			x.r.AddCookie(&http.Cookie{Name: versionCookie, Value: seen[of].value})
		}
	}
}

// receive keeps those of the answer.
func (seen seenVersions) receive(x *exchange) {
	for _, line := range x.w.Header()["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil || c.Name != versionCookie {
			continue
		}
		_, of, _ := strings.Cut(c.Value, ".")
		seen[of] = seenVersion{c.Value, time.Now().Add(time.Duration(c.MaxAge) * time.Second)}
	}
}
