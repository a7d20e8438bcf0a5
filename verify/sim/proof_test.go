package sim

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// tale is a history told by hand: visits that begin and end in turn.
type tale struct {
	*History
}

func tell(level session.Isolation, start data) *tale {
	return &tale{&History{program: &Program{level: level, start: start, periods: []period{{}}}}}
}

// begins lets a visit with the given cookie begin.
func (t *tale) begins(sent ticket) *visit {
	v := &visit{id: len(t.visits), sent: sent, out: noTicket, status: 200}
	t.visits = append(t.visits, v)
	t.events = append(t.events, event{visit: v.id})
	return v
}

// ends lets a visit end that has done all this, with one commit.
func (t *tale) ends(v *visit, verdict verdict, ops ...seen) {
	v.loaded = true
	v.segs = []segment{{ops: ops, verdict: verdict}}
	switch verdict {
	case refused:
		v.status, v.err = 409, session.ErrConflict
	case unknown:
		v.status, v.err = 503, session.ErrOutcomeUnknown
	}
	t.events = append(t.events, event{visit: v.id, what: end})
}

// Steps of a tale, by key.
func got(k int, n int32) seen  { return seen{op: op{verb: get, key: k}, val: n} }
func sets(k int, n int32) seen { return seen{op: op{verb: set, key: k, n: n}, val: n} }
func merges(k int, n, base int32) seen {
	return seen{op: op{verb: set, key: k, n: n}, val: n, base: base}
}
func pops(k int, n int32) seen { return seen{op: op{verb: pop, key: k}, val: n} }
func adds(k int, n, was, val int32) seen {
	return seen{op: op{verb: update, key: k, n: n}, was: was, val: val}
}
func deletes(k int) seen   { return seen{op: op{verb: del, key: k}} }
func lists(set int32) seen { return seen{op: op{verb: keys}, val: set} }
func does(v verb) seen     { return seen{op: op{verb: v}} }

var base = data{1, 2, none, 7, none, none}

const (
	a, b, c = 0, 1, 2
	merge   = session.LevelMerge
	serial  = session.LevelSerializable
	strict  = session.LevelStrict
)

// TestOracle tells the oracle short histories, some of which cannot be.
func TestOracle(t *testing.T) {
	for _, test := range []struct {
		rule string
		sane bool
		tale func() *tale
	}{
		{"parallel updates of a key add up", true, func() *tale { return twoUpdates(13) }},
		{"no acknowledged update is lost", false, func() *tale { return twoUpdates(11) }},
		{"no update is applied twice", false, func() *tale { return twoUpdates(23) }},
		{"parallel writes of a key that each has read", false, func() *tale {
			t := tell(merge, base)
			v, w := t.begins(origin), t.begins(origin)
			t.ends(v, committed, got(a, 1), sets(a, 11))
			t.ends(w, committed, got(a, 1), sets(a, 21))
			return t
		}},
		{"the same, one of them refused", true, func() *tale {
			t := tell(merge, base)
			v, w := t.begins(origin), t.begins(origin)
			t.ends(v, committed, got(a, 1), sets(a, 11))
			t.ends(w, refused, got(a, 1), sets(a, 21))
			t.ends(t.begins(origin), committed, got(a, 11))
			return t
		}},
		{"what was refused has no effect", false, func() *tale {
			t := tell(merge, base)
			v, w := t.begins(origin), t.begins(origin)
			t.ends(v, committed, got(a, 1), sets(a, 11))
			t.ends(w, refused, got(a, 1), sets(a, 21))
			t.ends(t.begins(origin), committed, got(a, 21))
			return t
		}},
		{"blind writes of a key, the last one stays", true, func() *tale {
			t := tell(strict, base)
			v, w := t.begins(origin), t.begins(origin)
			t.ends(v, committed, sets(a, 11))
			t.ends(w, committed, sets(a, 21))
			t.ends(t.begins(origin), committed, got(a, 11))
			return t
		}},
		{"a token is popped once", false, func() *tale {
			t := tell(merge, base)
			v, w := t.begins(origin), t.begins(origin)
			t.ends(v, committed, pops(token, 7))
			t.ends(w, committed, pops(token, 7))
			return t
		}},
		{"an acknowledged request is seen by all that begin later", false, func() *tale {
			t := tell(merge, base)
			t.ends(t.begins(origin), committed, sets(a, 11))
			t.ends(t.begins(origin), committed, got(a, 1))
			return t
		}},
		{"a request reads one state", false, func() *tale {
			t := tell(merge, base)
			v := t.begins(origin)
			t.ends(t.begins(origin), committed, sets(a, 11), sets(b, 12))
			t.ends(v, committed, got(a, 1), got(b, 12))
			return t
		}},
		{"LevelMerge lets two write what the other has read", true, func() *tale { return writeSkew(merge) }},
		{"LevelSerializable does not", false, func() *tale { return writeSkew(serial) }},
		{"LevelMerge lets a listing be outdated", true, func() *tale { return phantom(merge) }},
		{"LevelSerializable does not", false, func() *tale { return phantom(serial) }},
		{"LevelSerializable lets a lone Update's result be outdated", true, func() *tale { return staleResult(serial) }},
		{"LevelStrict does not", false, func() *tale { return staleResult(strict) }},
		{"what is of unknown outcome may have happened", true, func() *tale { return doubtful(11, 11) }},
		{"or not", true, func() *tale { return doubtful(1, 1) }},
		{"or happen late", true, func() *tale { return doubtful(1, 11) }},
		{"but not be undone", false, func() *tale { return doubtful(11, 1) }},
		{"after a Destroy its cookie opens nothing", true, func() *tale { return endedBy(destroy, cleared, true) }},
		{"and does not open it again", false, func() *tale { return endedBy(destroy, cleared, false) }},
		{"after a Renew the old cookie opens nothing", true, func() *tale { return endedBy(renew, 1, true) }},
		{"and does not open it again", false, func() *tale { return endedBy(renew, 1, false) }},
		{"a late answer sets no cookie after a Renew", false, func() *tale {
			t := endedBy(renew, 1, true)
			v := t.begins(origin)
			v.isNew, v.out = true, v.own()
			t.ends(v, committed, sets(a, 1))
			return t
		}},
		{"a Renew takes the data along", true, func() *tale { return renewed(1, 1) }},
		{"all of them", false, func() *tale { return renewed(1, none) }},
		{"a second Renew of a session starts an empty one", true, func() *tale { return renewedTwice(none) }},
		{"and forks nothing", false, func() *tale { return renewedTwice(1) }},
		{"a Destroy follows a Renew", false, func() *tale {
			t := tell(merge, base)
			v, w := t.begins(origin), t.begins(origin)
			v.out, w.out = v.own(), cleared
			t.ends(v, committed, does(renew))
			t.ends(w, committed, does(destroy))
			t.ends(t.begins(v.own()), committed, got(a, 1))
			return t
		}},
		{"a merge from a base that is not the last read is seen by a request that is refused", true, func() *tale { return mergedAnew(refused) }},
		{"or that commits nothing", true, func() *tale { return mergedAnew(idle) }},
		{"nothing is read of a session without its cookie", false, func() *tale {
			t := tell(merge, base)
			v := t.begins(noTicket)
			v.isNew = true
			t.ends(v, committed, got(a, 1))
			return t
		}},
		{"a session is begun over one that was revoked", true, func() *tale { return begunOver(revoke, merge, 1, sets(a, 9)) }},
		{"but not two", false, func() *tale { return begunOver(revoke, merge, 2, sets(a, 9)) }},
		{"nor over one that was destroyed", false, func() *tale { return begunOver(destroy, merge, 1, sets(a, 9)) }},
		{"but by logins, as many as there are", true, func() *tale { return begunOver(destroy, merge, 2, does(renew)) }},
		{"a change that may be lost is lost over a tombstone", true, func() *tale {
			t := begunOver(destroy, merge, 0)
			t.program.kinds[b] = lastWins
			v := t.begins(origin)
			v.isNew = true
			t.ends(v, committed, sets(b, 9))
			return t
		}},
		{"a login takes nothing along of a session that was revoked", false, func() *tale { return revokedUnderLogin(got(a, 1)) }},
		{"nor what may be lost", false, func() *tale { return revokedUnderLogin(got(b, 2)) }},
		{"nor what an Update has seen", false, func() *tale { return revokedUnderLogin(adds(a, 1, 1, 2)) }},
		{"a login that has seen nothing begins a session", true, func() *tale { return revokedUnderLogin(got(c, none)) }},
	} {
		t.Run(strings.ReplaceAll(test.rule, " ", "_"), func(t *testing.T) {
			h := test.tale()
			if err := h.Check(); (err == nil) != test.sane {
				t.Errorf("%v\n%v", err, h)
			}
		})
	}
}

// twoUpdates has a raised by 10 and by 2 at once, and then found to be n.
func twoUpdates(n int32) *tale {
	t := tell(merge, base)
	v, w := t.begins(origin), t.begins(origin)
	t.ends(v, committed, adds(a, 10, 1, 11))
	t.ends(w, committed, adds(a, 2, 1, 3))
	t.ends(t.begins(origin), committed, got(a, n))
	return t
}

func writeSkew(level session.Isolation) *tale {
	t := tell(level, base)
	v, w := t.begins(origin), t.begins(origin)
	t.ends(v, committed, got(a, 1), sets(b, 12))
	t.ends(w, committed, got(b, 2), sets(a, 11))
	return t
}

func phantom(level session.Isolation) *tale {
	t := tell(level, base)
	v, w := t.begins(origin), t.begins(origin)
	t.ends(v, committed, lists(base.keys()), sets(c, 3))
	t.ends(w, committed, lists(base.keys()), deletes(a))
	return t
}

func staleResult(level session.Isolation) *tale {
	t := tell(level, base)
	v, w := t.begins(origin), t.begins(origin)
	t.ends(v, committed, adds(a, 1, 1, 2))
	t.ends(w, committed, adds(a, 1, 1, 2))
	return t
}

// doubtful has a set to 11, perhaps, and then read twice.
func doubtful(first, second int32) *tale {
	t := tell(merge, base)
	v := t.begins(origin)
	t.ends(v, unknown, sets(a, 11))
	t.ends(t.begins(origin), committed, got(a, first))
	t.ends(t.begins(origin), committed, got(a, second))
	return t
}

// begunOver has the session ended, and then so many requests with its cookie begin one
// by ops.
func begunOver(how verb, level session.Isolation, times int, ops ...seen) *tale {
	t := tell(level, base)
	v := t.begins(origin)
	if how == destroy {
		v.out = cleared
	}
	t.ends(v, committed, does(how))
	for range times {
		w := t.begins(origin)
		w.isNew, w.out = true, w.own()
		t.ends(w, committed, ops...)
	}
	return t
}

// revokedUnderLogin has the session revoked under a login that has done what look says.
func revokedUnderLogin(look seen) *tale {
	t := tell(merge, base)
	t.program.kinds[b] = lastWins
	v, w := t.begins(origin), t.begins(origin)
	t.ends(v, committed, does(revoke))
	w.out = w.own()
	t.ends(w, committed, look, does(renew), sets(c, 9))
	t.ends(t.begins(w.own()), committed, got(c, 9)) // it was not first, or its session were revoked, too
	return t
}

// mergedAnew has a request read a merging key before and after a Session.Update, with
// different values, set it and read the result of a merge from the first of them.
func mergedAnew(last verdict) *tale {
	t := tell(merge, base)
	t.program.kinds[a] = merging
	v, w := t.begins(origin), t.begins(origin)
	t.ends(w, committed, merges(a, 5, 1))
	t.events = append(t.events, event{visit: v.id, what: call}, event{visit: v.id, what: back})
	t.ends(v, last, got(a, 5), merges(a, 100, 1), got(a, 104))
	inUpdate := seen{op: op{verb: get, key: b}, val: base[b], tx: true}
	v.segs = append([]segment{{ops: []seen{got(a, 1), inUpdate}, tx: true, verdict: committed}}, v.segs...)
	return t
}

// endedBy has the session ended by a verb, and its cookie used again.
func endedBy(how verb, out ticket, isNew bool) *tale {
	t := tell(merge, base)
	v := t.begins(origin)
	v.out = out
	t.ends(v, committed, does(how))
	w := t.begins(origin)
	w.isNew = isNew
	n := base[a]
	if isNew {
		n = none
	}
	t.ends(w, committed, got(a, n))
	return t
}

// renewed has the session renewed, and what is found in it then.
func renewed(first, second int32) *tale {
	t := tell(merge, base)
	v := t.begins(origin)
	v.out = v.own()
	t.ends(v, committed, got(a, first), does(renew))
	t.ends(t.begins(v.own()), committed, got(a, second))
	return t
}

// renewedTwice has two renew the session at once, and what the second then has.
func renewedTwice(n int32) *tale {
	t := tell(merge, base)
	v, w := t.begins(origin), t.begins(origin)
	v.out, w.out = v.own(), w.own()
	t.ends(v, committed, does(renew))
	t.ends(w, committed, does(renew), sets(b, 9))
	t.ends(t.begins(v.own()), committed, got(a, 1))
	t.ends(t.begins(w.own()), committed, got(a, n), got(b, 9))
	return t
}
