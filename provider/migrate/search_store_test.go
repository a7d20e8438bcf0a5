package migrate_test

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// A cell is a store of one record.
type cell struct {
	rec   *provider.Record
	tells bool // whether a conflict includes the current record
}

func (c *cell) fetch() (*provider.Record, error) {
	if c.rec == nil {
		return nil, provider.ErrNotFound
	}
	return c.rec.Clone(), nil
}

// save is the rule of provider.Provider. No record expires during an execution.
func (c *cell) save(rec *provider.Record, expect int64) error {
	switch {
	case expect < 0,
		expect == 0 && c.rec == nil,
		expect > 0 && c.rec != nil && c.rec.Version == expect:
		c.rec = rec.Clone()
		if rec.Expired(time.Now()) {
			c.rec = nil
		}
		return nil
	case c.rec != nil && c.rec.Version == rec.Version:
		return nil
	case !c.tells:
		return provider.ErrVersionConflict
	case c.rec == nil:
		return &provider.ConflictError{}
	}
	return &provider.ConflictError{Current: c.rec.Clone()}
}

// A fault is what becomes of a call.
type fault int

const (
	none    fault = iota
	dropped       // not executed, an error
	lost          // executed, an error
	late          // an error, executed at any time after it
	crash         // not executed, and its process ends
	ends          // executed, and its process ends
)

var (
	readFaults  = []fault{dropped}
	writeFaults = []fault{dropped, lost, late, crash, ends}
	errBroken   = errors.New("broken connection")
	errCrash    = errors.New("the process has crashed")
)

// A step is a call of a store that is about to be executed.
type step struct {
	write bool
	do    func() error
	fault fault // decided before it
}

// A view is a store as one process sees it. Each call waits for its turn.
type view struct {
	cell *cell
	p    *process
	isTo bool
	flaw *flaw
}

func (v *view) step(write bool, do func() error) error {
	s := &step{write: write, do: do}
	if !v.p.yield(s) {
		panic(errCrash)
	}
	switch s.fault {
	case dropped:
		return errBroken
	case lost:
		_ = do()
		return errBroken
	case late:
		v.p.search.lates = append(v.p.search.lates, do)
		return errBroken
	case crash:
		panic(errCrash)
	case ends:
		_ = do()
		panic(errCrash)
	}
	return do()
}

func (v *view) Fetch(_ context.Context, id string) (rec *provider.Record, err error) {
	if v.flaw != nil && v.flaw.fetch != nil {
		return v.flaw.fetch(v)
	}
	return v.fetch()
}

func (v *view) fetch() (rec *provider.Record, err error) {
	err = v.step(false, func() error { rec, err = v.cell.fetch(); return err })
	if err != nil {
		rec = nil
	}
	return rec, err
}

func (v *view) Save(_ context.Context, rec *provider.Record, expect int64) error {
	rec = rec.Clone()
	if v.flaw != nil && v.flaw.save != nil {
		return v.flaw.save(v, rec, expect)
	}
	return v.save(rec, expect)
}

func (v *view) save(rec *provider.Record, expect int64) error {
	return v.step(true, func() error { return v.cell.save(rec, expect) })
}

func (v *view) Delete(context.Context, string) error { return v.remove() }

func (v *view) remove() error {
	return v.step(true, func() error { v.cell.rec = nil; return nil })
}
