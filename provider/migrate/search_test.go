package migrate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// A program is some instances and what each does, and what the stores have first.
type program struct {
	first     int64 // the version in from; 0: none
	firstTo   int64 // the version in to, with a marker in from; 0: none
	tells     bool  // whether a conflict of the stores includes the record
	instances []instance
	bounds    bounds
}

type instance struct {
	phase phase
	verbs []verb
}

// bounds limit the executions of a program.
type bounds struct {
	switches int // from a process that could go on to another one
	faults   int
}

func (p program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from has version %d, to has %d, conflicts include the record: %v", p.first, p.firstTo, p.tells)
	for _, i := range p.instances {
		fmt.Fprintf(&b, "\n  %s: %v", i.phase, i.verbs)
	}
	return b.String()
}

// An execution is one order of the calls of a program, with the faults of some.
type execution struct {
	program
	from, to  cell
	processes []*process
	lates     []func() error
	now       int
	choices   []int // made before
	options   []int // of each choice
	at        int
	tracing   bool
	trace     []string
}

func (x *execution) tick() int { x.now++; return x.now }

// choose returns a number below n: that of choices, or 0.
func (x *execution) choose(n int) int {
	if n == 1 {
		return 0
	}
	c := 0
	if x.at < len(x.choices) {
		c = x.choices[x.at]
	} else {
		x.choices = append(x.choices, 0)
		x.options = append(x.options, 0)
	}
	x.options[x.at] = n
	x.at++
	return c
}

// advance changes the choices to those of the next execution.
func (x *execution) advance() bool {
	for i := len(x.choices) - 1; i >= 0; i-- {
		if x.choices[i]+1 < x.options[i] {
			x.choices[i]++
			x.choices, x.options = x.choices[:i+1], x.options[:i+1]
			return true
		}
	}
	return false
}

// search executes a program in every way and returns the number of executions, and what
// is wrong with the first one that breaks the contract.
func search(p program, flaw *flaw) (n int, err error) {
	x := &execution{program: p}
	for more := true; more; more = x.advance() {
		n++
		if err := x.run(flaw); err != nil {
			x.tracing = true
			err = x.run(flaw) // once more
			return n, fmt.Errorf("%v\n%w\n  %s", p, err, strings.Join(x.trace, "\n  "))
		}
	}
	return n, nil
}

const maxSteps = 300

// run executes the program once.
func (x *execution) run(flaw *flaw) error {
	x.begin(flaw)
	switches, faults := x.bounds.switches, x.bounds.faults
	current := -1
	for steps := 0; ; steps++ {
		if steps > maxSteps {
			return fmt.Errorf("it does not end")
		}
		can := x.runnable(current, switches)
		if len(can) == 0 {
			break
		}
		next := can[x.choose(len(can))]
		if next != current && current >= 0 && x.isRunnable(current) {
			switches--
		}
		if next >= len(x.processes) {
			i := next - len(x.processes)
			do := x.lates[i]
			x.lates = append(x.lates[:i:i], x.lates[i+1:]...)
			err := do()
			x.tracef("late call: %v", err)
			continue
		}
		current = next
		if x.resume(x.processes[next], faults > 0) != none {
			faults--
		}
	}
	return x.verdict()
}

func (x *execution) begin(flaw *flaw) {
	x.from, x.to = cell{tells: x.tells}, cell{tells: x.tells}
	x.lates, x.now, x.at, x.trace, x.processes = nil, 0, 0, x.trace[:0], nil
	if x.first != 0 {
		x.from.rec = recordOf(x.first)
	}
	if x.firstTo != 0 {
		x.to.rec = recordOf(x.firstTo)
		x.from.rec = &provider.Record{ID: searchID, Version: 1 << 60, Format: "holdfast-migrate/moved"}
	}
	version := int64(100)
	for _, i := range x.instances {
		p := &process{search: x, phase: i.phase, verbs: i.verbs}
		for _, v := range i.verbs {
			o := &op{verb: v}
			switch v {
			case updates:
				o.expect = max(x.first, x.firstTo)
				if o.expect == 0 {
					o.expect = 101 // that of the first create
				}
			case puts:
				o.expect = -1
			}
			version++
			o.version = version
			p.ops = append(p.ops, o)
		}
		x.processes = append(x.processes, p)
	}
	for _, p := range x.processes {
		p.start(flaw)
	}
}

func (x *execution) isRunnable(i int) bool { return x.processes[i].pending != nil }

// runnable returns the processes that may go on, the current one first. Those after all
// processes are late calls, which arrive at any time and at the latest in the end.
func (x *execution) runnable(current, switches int) (can []int) {
	goesOn := current >= 0 && x.isRunnable(current)
	if goesOn {
		can = append(can, current)
	}
	if !goesOn || switches > 0 {
		for i := range x.processes {
			if i != current && x.isRunnable(i) {
				can = append(can, i)
			}
		}
	}
	for i := range x.lates {
		can = append(can, len(x.processes)+i)
	}
	return can
}

// resume executes the call that a process waits for.
func (x *execution) resume(p *process, mayFail bool) fault {
	s := p.pending
	if p.now.began == 0 {
		p.now.began = x.tick()
	}
	if mayFail {
		faults := readFaults
		if s.write {
			faults = writeFaults
		}
		if c := x.choose(1 + len(faults)); c > 0 {
			s.fault = faults[c-1]
		}
	}
	p.resume()
	if x.tracing {
		x.tracef("%s, %s, fault %d: from %s, to %s", p.phase, p.now.verb, s.fault, name(x.from.rec), name(x.to.rec))
	}
	return s.fault
}

func (x *execution) tracef(format string, args ...any) {
	if x.tracing {
		x.trace = append(x.trace, fmt.Sprintf(format, args...))
	}
}

func name(rec *provider.Record) string {
	if rec == nil {
		return "none"
	}
	return fmt.Sprintf("%s %d", rec.Format, rec.Version)
}

// verdict reads the record in the end, as an instance in the phase Move does and, when it
// is moved, as one that uses the new store alone, and looks for an order of all calls.
func (x *execution) verdict() error {
	var all []*op
	alone := true // no instance makes markers
	for _, p := range x.processes {
		p.stop()
		alone = alone && (p.phase == oldAlone || p.phase == prepares)
		for _, o := range p.ops {
			if o.wrong != nil {
				return fmt.Errorf("%v: %w", o, o.wrong)
			}
			if o.began > 0 {
				all = append(all, o)
			}
		}
	}
	if !alone {
		all = append(all, x.read(moving), x.read(moving, relocates), x.read(newAlone))
	} else {
		all = append(all, x.read(oldAlone))
	}
	if !explains(max(x.first, x.firstTo), all) {
		var b strings.Builder
		for _, o := range all {
			fmt.Fprintf(&b, "\n  %v", o)
		}
		return fmt.Errorf("no order of these calls explains their results:%s\nexecuted:", b.String())
	}
	return nil
}

// read returns a Fetch by an instance that begins now, after other verbs.
func (x *execution) read(as phase, before ...verb) *op {
	p := &process{search: x, phase: as}
	for _, v := range append(before, fetches) {
		p.ops = append(p.ops, &op{verb: v})
	}
	p.start(nil)
	for p.pending != nil {
		x.resume(p, false)
	}
	o := p.ops[len(before)]
	if as == newAlone && x.to.rec != nil && migrate.IsReservation(x.to.rec.Format) {
		o.found, o.wrong = 0, nil // it expires soon
	}
	return o
}

// explains reports whether the calls can be put in an order that agrees with time, in which
// each has its result.
func explains(stored int64, ops []*op) bool {
	if len(ops) == 0 {
		return true
	}
	for i, o := range ops {
		if isAfterAnother(o, ops) {
			continue
		}
		rest := append(append([]*op{}, ops[:i]...), ops[i+1:]...)
		lawful, next := lawOf(stored, o)
		if lawful && explains(next, rest) {
			return true
		}
		// Of unknown outcome: it may have had no effect, or has it after all others.
		if o.result == isUnknown || o.ended == 0 || o.result == isUnsaved {
			if explains(stored, rest) {
				return true
			}
		}
	}
	return false
}

// isAfterAnother reports whether another call had ended when o began.
func isAfterAnother(o *op, ops []*op) bool {
	for _, p := range ops {
		if p != o && p.ended != 0 && p.result != isUnknown && p.ended < o.began {
			return true
		}
	}
	return false
}

// lawOf is the contract of package provider for one record.
func lawOf(stored int64, o *op) (lawful bool, next int64) {
	unknown := o.result == isUnknown || o.ended == 0
	allowed := o.expect < 0 || o.expect == stored
	switch {
	case o.result == isUnsaved:
		return true, stored
	case o.verb == relocates:
		return true, stored
	case o.verb == fetches:
		return unknown || o.found == stored, stored
	case o.verb == deletes:
		return true, 0
	case o.result == isConflict:
		return !allowed && stored != o.version && o.found == stored, stored
	case o.result == isBare:
		return !allowed && stored != o.version, stored
	case allowed:
		return true, o.version
	}
	return unknown || stored == o.version, stored
}

func testPrograms(t *testing.T, programs []program) {
	t.Helper()
	every, total := 1, 0
	if race {
		every = 20 // an execution is of one goroutine at a time, in which there is no race to detect
	}
	for i := rand.IntN(every); i < len(programs); i += every {
		p := programs[i]
		n, err := search(p, nil)
		total += n
		if err != nil {
			t.Fatalf("after %d executions: %v", n, err)
		}
	}
	t.Logf("%d of %d programs, %d executions", len(programs)/every, len(programs), total)
}
