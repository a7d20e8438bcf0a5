package sim

import (
	"slices"
	"time"
)

// nLabels is how many values the label has.
const nLabels = 2

// drawAdministrators draws what administrators do, in some of the programs.
func (d *drawing) drawAdministrators() {
	if d.Often(4) {
		d.drawLabels()
	}
	if d.p.maxStale == 0 && !d.p.rotates && d.Often(4) {
		d.drawRevocations()
	}
}

// drawLabels gives sessions labels, and has an administrator list and end the sessions of a
// label.
func (d *drawing) drawLabels() {
	d.p.kinds[label] = lastWins
	if !d.Often(4) {
		d.p.start[label] = d.drawLabel()
	}
	lists := 0
	d.eachRequest(func(r *request) {
		switch {
		case d.Often(4):
			r.administer(op{verb: revokeBy, n: d.drawLabel()})
		case d.Often(6) && lists < maxLists:
			lists++
			r.administer(op{verb: sessionsBy, n: d.drawLabel()})
		case d.Often(2) && !r.ofAdministrator():
			d.drawLabelling(r)
		}
	})
}

// drawLabelling adds to a request what it does with the label.
func (d *drawing) drawLabelling(r *request) {
	o := op{verb: []verb{set, set, set, del, get}[d.IntN(5)], key: label}
	if o.verb == set {
		o.n = d.drawLabel()
	}
	at := d.IntN(len(r.ops) + 1)
	if at < len(r.ops) && r.ops[at].verb == transact && d.Often(2) {
		body := &r.ops[at].body
		*body = append(*body, o)
		return
	}
	r.ops = slices.Insert(r.ops, at, o)
}

func (d *drawing) drawLabel() int32 { return int32(1 + d.IntN(nLabels)) }

// drawRevocations has an administrator end everything, and requests that come or last until
// that is over.
func (d *drawing) drawRevocations() {
	d.p.revokes = true
	calls := 0
	d.eachRequest(func(r *request) {
		switch {
		case calls < 2 && d.Often(5):
			calls++
			r.administer(op{verb: revokeEverything})
			return
		case d.Often(2):
			r.wait += d.upTo(revocableWithin + time.Second)
		}
		if d.Often(2) && !r.ofAdministrator() {
			o := op{verb: pause, n: int32(d.IntN(int(revocableWithin * 3 / 2 / time.Millisecond)))}
			r.ops = slices.Insert(r.ops, d.IntN(len(r.ops)+1), o)
		}
	})
}

// eachRequest calls change for each request that has something to do.
func (d *drawing) eachRequest(change func(*request)) {
	for _, c := range d.p.clients {
		for i := range c.requests {
			if r := &c.requests[i]; len(r.ops) > 0 {
				change(r)
			}
		}
	}
}

// ofAdministrator reports whether r ends or lists the sessions of others.
func (r *request) ofAdministrator() bool {
	verb := r.ops[0].verb
	return verb == revoke || verb >= revokeBy
}

// administer makes r a request of an administrator, who has no session.
func (r *request) administer(o op) {
	r.mode, r.get, r.deaf, r.jar, r.status, r.ops = handler, false, false, empty, 200, []op{o}
}
