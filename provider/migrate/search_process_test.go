package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// A phase is what an instance is.
type phase string

const (
	oldAlone phase = "from alone"
	prepares phase = "Prepare"
	moving   phase = "Move"
	newAlone phase = "to alone"
)

// A verb is what an instance is asked to do with the one record.
type verb string

const (
	fetches   verb = "Fetch"
	updates   verb = "Save over the first version"
	creates   verb = "Save over none"
	puts      verb = "Save over any"
	deletes   verb = "Delete"
	relocates verb = "Move"
)

// An op is a call of an instance and its result.
type op struct {
	verb    verb
	version int64 // of the record to save
	expect  int64
	began   int
	ended   int // 0: it has not
	found   int64
	result  result
	wrong   error // what no order of calls allows
}

type result string

const (
	isDone     result = "done"
	isConflict result = "conflict" // with found
	isBare     result = "conflict, without a record"
	isUnsaved  result = "nothing saved"
	isUnknown  result = "unknown"
)

func (o op) String() string {
	return fmt.Sprintf("%d-%d %s (version %d over %d): %s, found %d", o.began, o.ended, o.verb, o.version, o.expect, o.result, o.found)
}

// A process is an instance and what it does, one call after the other.
type process struct {
	search  *execution
	phase   phase
	verbs   []verb
	ops     []*op
	now     *op
	yield   func(*step) bool
	next    func() (*step, bool)
	stop    func()
	pending *step
	memory  any // of a flaw
}

const searchID = "the record"

var never = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

func recordOf(version int64) *provider.Record {
	text := strconv.FormatInt(version, 10)
	return &provider.Record{ID: searchID, Version: version, ExpiresAt: never, Format: "format " + text, Data: []byte("data " + text)}
}

// start runs the process up to its first call of a store.
func (p *process) start(flaw *flaw) {
	p.next, p.stop = iter.Pull(func(yield func(*step) bool) {
		defer func() {
			if v := recover(); v != nil && v != errCrash {
				panic(v)
			}
		}()
		p.yield = yield
		p.run(p.instance(flaw))
	})
	p.resume()
}

func (p *process) resume() {
	s, ok := p.next()
	if !ok {
		s = nil
	}
	p.pending = s
}

func (p *process) instance(flaw *flaw) provider.Provider {
	from := &view{cell: &p.search.from, p: p, flaw: flaw}
	to := &view{cell: &p.search.to, p: p, isTo: true, flaw: flaw}
	switch p.phase {
	case oldAlone:
		return from
	case newAlone:
		return to
	}
	m, err := migrate.New(from, to, migrate.Options{Prepare: p.phase == prepares})
	if err != nil {
		panic(err)
	}
	m.SkipProbe()
	return m
}

func (p *process) run(instance provider.Provider) {
	for _, o := range p.ops {
		p.now = o // it begins with its first call of a store
		p.call(instance, o)
		o.ended = p.search.tick()
	}
}

func (p *process) call(instance provider.Provider, o *op) {
	ctx := context.Background()
	switch o.verb {
	case fetches:
		rec, err := instance.Fetch(ctx, searchID)
		o.answer(err)
		o.find(rec)
	case deletes:
		o.answer(instance.Delete(ctx, searchID))
	case relocates:
		_ = instance.(*migrate.Provider).Move(ctx, searchID)
		o.result = isUnsaved // it changes nothing that can be seen
	default:
		o.answer(instance.Save(ctx, recordOf(o.version), o.expect))
	}
}

// answer notes the error of a call.
func (o *op) answer(err error) {
	told, ok := errors.AsType[*provider.ConflictError](err)
	switch {
	case err == nil:
		o.result = isDone
	case o.verb == fetches && errors.Is(err, provider.ErrNotFound):
		o.result = isDone
	case ok:
		o.result = isConflict
		o.find(told.Current)
	case errors.Is(err, provider.ErrVersionConflict):
		o.result = isBare
	case errors.Is(err, provider.ErrNotSaved):
		o.result = isUnsaved
	case errors.Is(err, errBroken):
		o.result = isUnknown
	default:
		o.wrong = err
	}
}

// find notes the record that a call has returned.
func (o *op) find(rec *provider.Record) {
	if rec == nil {
		return
	}
	o.found = rec.Version
	if !same(rec, recordOf(rec.Version)) {
		o.wrong = fmt.Errorf("it returns a record that nobody has saved: %+v", rec)
	}
}
