package fleet

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// network is the time that a call and its answer are on their way together.
const network = 500 * time.Microsecond

// database is the server of the records. It works at so many calls at once, and the others
// wait in one queue, first come first served. A call that its client has given up is worked
// at all the same, as by a real server, which does not look whether anybody still waits.
type database struct {
	clock   *clock
	tally   *tally
	records *memory.Provider

	mu       sync.Mutex
	rng      *rand.Rand
	workers  instants    // when each is free
	starts   []time.Time // of the calls that wait for a worker, in order
	instant  bool        // calls take no time
	waitsAll bool        // calls wait for a connection until their deadline
	outages  int         // so far; a call that began before the last one has no answer
	down     bool
	journal  *journal // nil: no write is ever lost
	late     sync.WaitGroup
}

func newDatabase(seed uint64, workers int, c *clock, t *tally) *database {
	d := &database{
		clock:   c,
		tally:   t,
		records: memory.New(memory.MaxBytes(8 << 30)),
		rng:     rand.New(rand.NewPCG(seed, 0xdb)),
		workers: make(instants, workers),
	}
	return d
}

// errNoAnswer is the error of a call that has waited for an answer until its deadline.
var errNoAnswer = errors.New("fleet: no answer")

// operation is what the server does for a call.
type operation struct {
	median  time.Duration
	apply   func() error
	changes bool // it has an effect also if nobody waits for it
}

// do lets the server work at a call. It returns errNoAnswer at the deadline.
func (d *database) do(deadline time.Time, op operation) error {
	if d.instant {
		return op.apply()
	}
	outage, done, down := d.admit(op.median)
	late := done.Add(network).After(deadline)
	if late && !down && op.changes {
		d.late.Go(func() {
			d.clock.until(done)
			_ = d.applyUnless(outage, op.apply)
		})
	}
	if late || down {
		d.clock.until(deadline)
		return errNoAnswer
	}
	d.clock.until(done)
	err := d.applyUnless(outage, op.apply)
	if errors.Is(err, errNoAnswer) {
		d.clock.until(deadline)
		return err
	}
	d.clock.wait(network)
	return err
}

// admit puts a call into the queue, and returns when the server will be done with it.
func (d *database) admit(median time.Duration) (outage int, done time.Time, down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if d.down {
		return d.outages, now, true
	}
	start := now
	if free := d.workers[0]; free.After(now) {
		start = free
		d.starts = append(d.starts, start)
	}
	done = start.Add(draw(d.rng, median))
	d.workers[0] = done
	heap.Fix(&d.workers, 0)
	for len(d.starts) > 0 && !d.starts[0].After(now) {
		d.starts = d.starts[1:]
	}
	d.tally.admitted(now, done.Sub(start), len(d.starts))
	return d.outages, done, false
}

// applyUnless applies a call unless the server has failed since the call began.
func (d *database) applyUnless(outage int, apply func() error) error {
	d.mu.Lock()
	failed := d.outages != outage || d.down
	d.mu.Unlock()
	if failed {
		return errNoAnswer
	}
	return apply()
}

// fail lets the server answer nothing from now on.
func (d *database) fail() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = true
	d.outages++
	d.starts = nil
}

// takeOver lets another server answer, which lacks the writes of the journal.
func (d *database) takeOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = false
	for i := range d.workers {
		d.workers[i] = time.Now()
	}
	if d.journal != nil {
		d.journal.undo(d.records)
	}
}

// fetch, save and remove are the effects of the calls.

func (d *database) fetch(id string) (*provider.Record, error) {
	rec, err := d.records.Fetch(context.Background(), id)
	d.tally.called(callFetch, rec, nil)
	return rec, err
}

func (d *database) save(rec *provider.Record, expect int64) error {
	var before *provider.Record
	if d.journal != nil {
		before, _ = d.records.Fetch(context.Background(), rec.ID)
	}
	err := d.records.Save(context.Background(), rec, expect)
	d.tally.called(callSave, rec, err)
	if err == nil && d.journal != nil {
		d.journal.add(rec.ID, before)
	}
	return err
}

func (d *database) remove(id string) error {
	d.tally.called(callDelete, nil, nil)
	return d.records.Delete(context.Background(), id)
}

// instants is a heap of times.
type instants []time.Time

func (s instants) Len() int           { return len(s) }
func (s instants) Less(i, j int) bool { return s[i].Before(s[j]) }
func (s instants) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *instants) Push(x any)        { *s = append(*s, x.(time.Time)) }
func (s *instants) Pop() any          { panic("fleet: the number of workers is fixed") }
