package sim

import (
	"slices"
	"strings"
	"testing"
)

// administers lets a visit begin by which an administrator does verb, to the sessions of
// label 1.
func (t *tale) administers(verb verb) *visit {
	v := t.begins(noTicket)
	v.isNew = true
	v.request = request{ops: []op{{verb: verb, n: 1}}}
	return v
}

// hasDone ends it.
func (t *tale) hasDone(v *visit, verdict verdict) {
	t.ends(v, committed, seen{op: v.request.ops[0]})
	v.segs[0].verdict = verdict
	if verdict != committed {
		v.status = 503
	}
}

// lists ends a SessionsBy.
func (t *tale) lists(v *visit, sessions ...ticket) {
	for _, s := range sessions {
		v.lists.add(s)
	}
	t.hasDone(v, committed)
}

// tellLabelled begins a tale with a session of label 1, and two instances.
func tellLabelled() *tale {
	start := base
	start[label] = 1
	t := tell(merge, start)
	t.program.kinds[label] = lastWins
	t.program.revokes = true
	return t
}

// finds is a visit with the cookie of the first session, at an instance.
func (t *tale) finds(host int, alive bool) {
	v := t.begins(origin)
	v.host, v.isNew = host, !alive
	n := base[a]
	if !alive {
		n = none
	}
	t.ends(v, committed, got(a, n))
}

// TestOracleOfAdministrators tells the oracle histories with RevokeBy, SessionsBy and
// RevokeEverything, some of which cannot be.
func TestOracleOfAdministrators(t *testing.T) {
	for _, test := range []struct {
		rule string
		sane bool
		tell func(*tale)
	}{
		{"RevokeBy ends a session of the label", true, func(t *tale) { revoked(t, committed, false) }},
		{"and none lives on", false, func(t *tale) { revoked(t, committed, true) }},
		{"but after an error it may", true, func(t *tale) { revoked(t, failed, true) }},
		{"or have ended", true, func(t *tale) { revoked(t, failed, false) }},
		{"RevokeBy spares a session without the label", true, func(t *tale) { unlabelled(t, true) }},
		{"and does not end it", false, func(t *tale) { unlabelled(t, false) }},
		{"a session that is given the label during RevokeBy may live", true, func(t *tale) { labelledMeanwhile(t, true) }},
		{"or end", true, func(t *tale) { labelledMeanwhile(t, false) }},
		{"RevokeBy ends what a session is renewed to meanwhile", false, renewedMeanwhile},
		{"a session does not end while no RevokeBy is under way", false, func(t *tale) { t.finds(0, false) }},
		{"a label is kept by Renew", true, func(t *tale) { labelAfter(t, renew, 1) }},
		{"and not lost", false, func(t *tale) { labelAfter(t, renew, none) }},
		{"a label is kept by Clear", true, func(t *tale) { labelAfter(t, clear_, 1) }},
		{"a label that is removed is gone", false, func(t *tale) {
			t.ends(t.begins(origin), committed, deletes(label))
			t.ends(t.begins(origin), committed, got(label, 1))
		}},
		{"SessionsBy lists a session of the label", true, func(t *tale) { t.lists(t.administers(sessionsBy), origin) }},
		{"and misses none", false, func(t *tale) { t.lists(t.administers(sessionsBy)) }},
		{"SessionsBy lists no session that has ended", false, func(t *tale) {
			revoked(t, committed, false)
			t.lists(t.administers(sessionsBy), origin)
		}},
		{"a session whose label is removed during SessionsBy may be listed", true, func(t *tale) { listedMeanwhile(t, origin) }},
		{"or not", true, func(t *tale) { listedMeanwhile(t) }},
		{"RevokeEverything has ended a session on each instance when it returns", false, func(t *tale) {
			t.hasDone(t.administers(revokeEverything), committed)
			t.finds(1, true)
		}},
		{"until then it may live on one, and not on another", true, func(t *tale) {
			v := t.administers(revokeEverything)
			t.finds(1, false)
			t.finds(2, true)
			t.hasDone(v, committed)
			t.finds(2, false)
		}},
		{"but not on one where it had ended", false, func(t *tale) {
			v := t.administers(revokeEverything)
			t.finds(1, false)
			t.finds(1, true)
			t.hasDone(v, committed)
		}},
		{"a session is not saved after RevokeEverything", false, func(t *tale) { savedAfter(t, committed, adds(a, 1, 1, 2)) }},
		{"but is refused", true, func(t *tale) { savedAfter(t, gone, adds(a, 1, 1, 2)) }},
		{"a login after RevokeEverything takes nothing along", false, func(t *tale) { savedAfter(t, committed, got(a, 1), does(renew)) }},
		{"a login after RevokeEverything lives", true, func(t *tale) { loginAfter(t, true) }},
		{"and is not ended by it", false, func(t *tale) { loginAfter(t, false) }},
		{"RevokeEverything that fails may end everything later", true, func(t *tale) {
			t.hasDone(t.administers(revokeEverything), unknown)
			t.finds(0, true)
			t.finds(0, false)
		}},
	} {
		t.Run(strings.ReplaceAll(test.rule, " ", "_"), func(t *testing.T) {
			h := tellLabelled()
			test.tell(h)
			if err := h.Check(); (err == nil) != test.sane {
				t.Errorf("%v\n%v", err, h)
			}
		})
	}
}

func revoked(t *tale, verdict verdict, alive bool) {
	t.hasDone(t.administers(revokeBy), verdict)
	t.finds(0, alive)
}

func unlabelled(t *tale, alive bool) {
	t.ends(t.begins(origin), committed, sets(label, 2))
	revoked(t, committed, alive)
}

func labelledMeanwhile(t *tale, alive bool) {
	t.ends(t.begins(origin), committed, deletes(label))
	v := t.administers(revokeBy)
	t.ends(t.begins(origin), committed, sets(label, 1))
	t.hasDone(v, committed)
	t.finds(0, alive)
}

func renewedMeanwhile(t *tale) {
	v := t.administers(revokeBy)
	w := t.begins(origin)
	w.out = w.own()
	t.ends(w, committed, does(renew))
	t.hasDone(v, committed)
	t.ends(t.begins(w.own()), committed, got(a, base[a]))
}

func labelAfter(t *tale, verb verb, n int32) {
	v := t.begins(origin)
	at := origin
	if verb == renew {
		at = v.own()
		v.out = at
	}
	t.ends(v, committed, does(verb))
	t.ends(t.begins(at), committed, got(label, n))
}

func listedMeanwhile(t *tale, sessions ...ticket) {
	v := t.administers(sessionsBy)
	t.ends(t.begins(origin), committed, deletes(label))
	t.lists(v, sessions...)
}

// savedAfter has a request do ops that has loaded the session before a RevokeEverything, and
// waits until that is over.
func savedAfter(t *tale, verdict verdict, ops ...seen) {
	v := t.begins(origin)
	r := t.administers(revokeEverything)
	t.hasDone(r, committed)
	t.events = append(t.events, event{visit: v.id, what: wake})
	if slices.ContainsFunc(ops, func(o seen) bool { return o.verb == renew }) {
		v.out = v.own()
	}
	t.ends(v, verdict, ops...)
	if verdict == gone {
		v.status = 409
	}
}

func loginAfter(t *tale, alive bool) {
	t.hasDone(t.administers(revokeEverything), committed)
	v := t.begins(origin)
	v.isNew, v.out = true, v.own()
	t.ends(v, committed, does(renew), sets(a, 9))
	w := t.begins(v.own())
	n := int32(9)
	if !alive {
		w.isNew, n = true, none
	}
	t.ends(w, committed, got(a, n))
}
