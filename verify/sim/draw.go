package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Dice are what a program is drawn with. Who looks for the simplest program that
// fails throws low, often false, and repeats little.
type Dice interface {
	IntN(n int) int                      // 0 to n-1
	Int64N(n int64) int64                // 0 to n-1
	Often(n int) bool                    // true once in n times
	Repeat(least, most int, what func()) // does it so many times
}

// Levels are all isolation levels, the default twice.
var Levels = []session.Isolation{session.LevelMerge, session.LevelMerge, session.LevelSerializable, session.LevelStrict}

// drawing draws a program. Each program has a theme, a few verbs and keys that
// it likes: programs that do a bit of everything rarely do the same thing twice.
type drawing struct {
	Dice
	p     Program
	theme []verb
}

// draw returns the program of a seed.
func draw(seed uint64) *Program {
	return Draw(seed, newDice(seed), Levels...)
}

type seeded struct{ *rand.Rand }

func (s seeded) Often(n int) bool { return s.IntN(n) == 0 }

func (s seeded) Repeat(least, most int, what func()) {
	for range least + s.IntN(most-least+1) {
		what()
	}
}

// drawWithoutAdministrators returns the program of a seed, without what an administrator
// would do in it.
func drawWithoutAdministrators(seed uint64) *Program {
	d := &drawing{Dice: newDice(seed)}
	d.drawSessions(seed, Levels)
	return &d.p
}

func newDice(seed uint64) Dice { return seeded{rand.New(rand.NewPCG(seed, 0x5e551011))} }

// Draw returns a program, at one of the levels, whose waits the seed decides.
func Draw(seed uint64, dice Dice, levels ...session.Isolation) *Program {
	d := &drawing{Dice: dice}
	d.drawSessions(seed, levels)
	d.drawAdministrators()
	return &d.p
}

// drawSessions draws what visitors do with their sessions.
func (d *drawing) drawSessions(seed uint64, levels []session.Isolation) {
	d.p = Program{seed: seed, start: nothing, oneHost: d.Often(2)}
	d.p.level = levels[d.IntN(len(levels))]
	d.p.kinds[1+d.IntN(2)] = []kind{plain, plain, merging, lastWins}[d.IntN(4)]
	if d.Often(8) {
		d.p.kinds[token] = lastWins
	}
	for k := range token + 1 {
		if k == token || !d.Often(4) {
			d.p.start[k] = int32(1 + k)
		}
	}
	d.p.periods = d.drawPeriods()
	d.theme = d.drawTheme()
	d.Repeat(2, 4, func() { d.p.clients = append(d.p.clients, d.drawClient()) })
	switch {
	case d.Often(3):
		d.drawCopies()
	case d.Often(3): // what a crowd does on one host, copies cannot show
		d.p.crowd()
	}
	if d.Often(3) {
		d.drawRefreshes()
	}
	if d.p.maxStale == 0 && d.Often(4) {
		d.drawRotation()
	}
}

// crowd lets the clients change one session on one host at nearly the same time, so that
// one request saves the changes of several.
func (p *Program) crowd() {
	p.oneHost = true
	for _, c := range p.clients {
		for i := range c.requests {
			r := &c.requests[i]
			r.wait /= 8
			r.jar = first
			for k := range r.ops {
				switch r.ops[k].verb {
				case renew, destroy, persist, transact:
					r.ops[k].verb, r.ops[k].body = update, nil
				}
			}
		}
	}
}

// drawCopies turns Config.ReadCache on, and has more requests that may use copies.
func (d *drawing) drawCopies() {
	d.p.maxStale = 20*time.Millisecond + d.upTo(200*time.Millisecond)
	for _, c := range d.p.clients {
		for i := range c.requests {
			switch r := &c.requests[i]; r.mode {
			case handler:
				r.get = d.Often(2)
			case unsafe, replay:
				if d.Often(2) {
					r.mode = safe
				}
			}
		}
	}
}

// drawRotation turns Config.RotateInterval on, and has requests before and after the time at
// which the first session is rotated.
func (d *drawing) drawRotation() {
	d.p.rotates = true
	d.p.periods = []period{{}, {1, 0}, {1, 1}, {1, 1 + d.IntN(2)}}
	for _, c := range d.p.clients {
		at := 0
		for i := range c.requests {
			at += d.IntN(3 - at)
			c.requests[i].period = at
		}
	}
}

func (d *drawing) drawPeriods() []period {
	list := []period{{}}
	for range max(0, d.IntN(6)-3) {
		list = append(list, period{d.IntN(3), d.IntN(3)})
	}
	for i, e := range list[1:] { // make them rise
		last := list[i]
		if e.major <= last.major && e.minor <= last.minor {
			e = period{last.major, last.minor + 1}
		}
		e.major = max(e.major, last.major)
		list[i+1] = e
	}
	last := list[len(list)-1]
	return append(list, period{last.major, last.minor + d.IntN(2)})
}

func (d *drawing) drawTheme() []verb {
	theme := []verb{get, setGot, update}
	d.Repeat(1, 5, func() { theme = append(theme, verb(d.IntN(int(transact)+1))) })
	return theme
}

func (d *drawing) drawClient() client {
	var c client
	at := 0
	d.Repeat(1, 3, func() {
		if at < len(d.p.periods)-2 && d.Often(3) {
			at++
		}
		c.requests = append(c.requests, d.drawRequest(at))
	})
	if d.Often(3) {
		d.Repeat(1, 2, func() { c.faults = append(c.faults, d.drawFault()) })
	}
	return c
}

func (d *drawing) drawFault() fault {
	f := fault{call: d.IntN(8), trouble: trouble(d.IntN(int(nTroubles))), slow: d.Often(3)}
	if d.Often(3) { // no reading back
		f.outage = 1 + d.IntN(6)
	}
	switch d.IntN(8) {
	case 0: // when a tombstone has ended
		f.after = 6*time.Minute + d.upTo(6*time.Minute)
	case 1, 2: // when the caller has long given up
		f.after = d.upTo(8 * time.Second)
	default:
		f.after = d.upTo(60 * time.Millisecond)
	}
	return f
}

func (d *drawing) upTo(t time.Duration) time.Duration { return time.Duration(d.Int64N(int64(t))) }

func (d *drawing) drawRequest(at int) request {
	r := request{
		period:  at,
		wait:    d.upTo(25 * time.Millisecond),
		mode:    mode(d.IntN(int(nModes))),
		jar:     []jar{own, own, own, shared, shared, first, first, empty}[d.IntN(8)],
		status:  200,
		deaf:    d.Often(4),
		guarded: d.IntN(token + 1),
	}
	if d.Often(8) {
		r.status = []int{404, 500}[d.IntN(2)]
	}
	if d.Often(24) {
		r.hangup = 1 + d.upTo(40*time.Millisecond)
	}
	if d.Often(8) { // by an administrator, who happens to hold the visitor's cookie
		r.mode, r.deaf, r.ops = handler, false, []op{{verb: revoke}}
		return r
	}
	r.ops = d.drawOps()
	return r
}

// drawRefreshes adds calls of Refresh to the requests.
func (d *drawing) drawRefreshes() {
	d.p.start[refreshed] = firstGrant
	left := maxRefreshes
	for _, c := range d.p.clients {
		for i := range c.requests {
			r := &c.requests[i]
			if left == 0 || d.Often(3) || r.ops[0].verb == revoke {
				continue
			}
			left--
			o := op{verb: refresh, key: refreshed, from: int(d.drawRenewal()), n: int32(1 + d.IntN(2))}
			r.ops = slices.Insert(r.ops, d.IntN(len(r.ops)+1), o)
		}
	}
}

func (d *drawing) drawRenewal() renewal {
	return []renewal{quick, quick, slow, slow, slow, slow, failing, tooSlow}[d.IntN(8)]
}

// drawOps draws the steps of a handler. At most one of them ends a session's
// ID, and before anything was saved where that would begin a second session:
// the answer has one cookie, and the model knows one new session per request.
func (d *drawing) drawOps() (ops []op) {
	ends := func(o op) bool { return o.verb == renew || o.verb == destroy }
	d.Repeat(1, 4, func() {
		o := d.drawOp()
		switch o.verb {
		case renew, destroy:
			if slices.ContainsFunc(ops, ends) {
				return
			}
		case persist: // a persistent session is never empty
			ops = append(ops, op{verb: set, key: d.IntN(token), n: d.value()})
		case transact:
			d.Repeat(1, 2, func() {
				if inner := d.drawOp(); inner.verb < clear_ {
					o.body = append(o.body, inner)
				}
			})
		}
		ops = append(ops, o)
		if o.verb == destroy && d.Often(2) {
			ops = append(ops, op{verb: set, key: d.IntN(token), n: d.value()})
		}
	})
	return ops
}

func (d *drawing) drawOp() op {
	verb := verb(d.IntN(int(transact) + 1))
	if !d.Often(3) {
		verb = d.theme[d.IntN(len(d.theme))]
	}
	o := op{verb: verb, key: d.IntN(token), from: d.IntN(token), n: d.delta()}
	switch verb {
	case set:
		o.n = d.value()
	case setGot:
		if d.Often(2) {
			o.from = o.key
		}
	case pop:
		if !d.Often(4) {
			o.key = token
		}
	}
	return o
}

func (d *drawing) delta() int32 { return int32(1 + d.IntN(999)) }

// value draws something to set: mostly unique, sometimes what was there.
func (d *drawing) value() int32 {
	if d.Often(4) {
		return int32(1 + d.IntN(token))
	}
	return 1000 * int32(1+d.IntN(99))
}
