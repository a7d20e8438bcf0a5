package migrate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// A flaw is an instance that leaves out a rule of the protocol. It changes the calls of the
// stores, which are the only effect of an instance.
type flaw struct {
	rule  string
	fetch func(*view) (*provider.Record, error)
	save  func(*view, *provider.Record, int64) error
}

// These tell the calls of the old store and of the new one from each other.
func isFreeze(v *view, rec *provider.Record) bool { return !v.isTo && migrate.IsMoving(rec.Format) }

func isMark(v *view, rec *provider.Record, expect int64) bool {
	return !v.isTo && migrate.IsMoved(rec.Format) && expect == 0
}

func isRelease(v *view, rec *provider.Record, expect int64) bool {
	return !v.isTo && migrate.IsMoved(rec.Format) && expect != 0
}

func isReserve(v *view, rec *provider.Record) bool {
	return v.isTo && migrate.IsReservation(rec.Format)
}

func isPlace(v *view, rec *provider.Record, expect int64) bool {
	return v.isTo && !migrate.IsReservation(rec.Format) && expect > 1<<50 // the version of a reservation
}

func isTombstone(v *view, rec *provider.Record) bool { return !v.isTo && rec.Expired(time.Now()) }
func isUser(rec *provider.Record) bool               { return strings.HasPrefix(rec.Format, "format ") }

// unmark removes a marker from the answer of the old store.
func unmark(marker func(format string) bool, rec *provider.Record, err error) (*provider.Record, error) {
	if err == nil && marker(rec.Format) {
		return nil, provider.ErrNotFound
	}
	return rec, err
}

var flaws = []flaw{
	{
		rule: "a record is created in the new store over a reservation",
		save: func(v *view, rec *provider.Record, expect int64) error {
			switch {
			case isReserve(v, rec):
				return nil
			case isPlace(v, rec, expect):
				return v.save(rec, 0)
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "who helps looks at the old store again after the reservation",
		fetch: func(v *view) (*provider.Record, error) {
			if old, ok := v.p.memory.(*provider.Record); ok && !v.isTo {
				return old.Clone(), nil
			}
			rec, err := v.fetch()
			if err == nil && !v.isTo && migrate.IsMoving(rec.Format) {
				v.p.memory = rec.Clone()
			}
			return rec, err
		},
	},
	{
		rule: "a record is frozen by compare-and-swap",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isFreeze(v, rec) {
				expect = -1
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a record is frozen before it is placed in the new store",
		save: func(v *view, rec *provider.Record, expect int64) error {
			switch {
			case isFreeze(v, rec):
				return nil
			case isRelease(v, rec, expect):
				expect = -1
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a record is placed in the new store before that decides",
		save: func(v *view, rec *provider.Record, expect int64) error {
			switch {
			case isPlace(v, rec, expect):
				v.p.memory = func() error { return v.save(rec, expect) }
				return nil
			case isRelease(v, rec, expect):
				if err := v.save(rec, expect); err != nil {
					return err
				}
				place, _ := v.p.memory.(func() error)
				return place()
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a record is placed over its reservation only",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isPlace(v, rec, expect) {
				expect = -1
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "the marker of a creation comes first",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isMark(v, rec, expect) {
				return nil
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a marker is created only where there is nothing",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isMark(v, rec, expect) {
				expect = -1
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a record in the old store is deleted by compare-and-swap",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isTombstone(v, rec) {
				return v.remove()
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a Save without a version compares in the old store",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if !v.isTo && isUser(rec) && v.p.now.verb == puts {
				expect = -1
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "a marker is no absence",
		fetch: func(v *view) (*provider.Record, error) {
			rec, err := v.fetch()
			return unmark(func(f string) bool { return !v.isTo && v.p.phase == prepares && migrate.IsReserved(f) }, rec, err)
		},
	},
	{
		rule: "a marker is no record",
		fetch: func(v *view) (*provider.Record, error) {
			rec, err := v.fetch()
			if err == nil && !v.isTo && migrate.IsMoved(rec.Format) {
				rec.Format = "format"
			}
			return rec, err
		},
	},
	{
		rule: "a conflict tells of no marker",
		save: func(v *view, rec *provider.Record, expect int64) error {
			err := v.save(rec, expect)
			if told, ok := errors.AsType[*provider.ConflictError](err); ok && told.Current != nil && !v.isTo && migrate.IsReserved(told.Current.Format) {
				told.Current.Format = "format"
			}
			return err
		},
	},
	{
		rule: "who finds a record that is being moved completes that first",
		save: func(v *view, rec *provider.Record, expect int64) error {
			err := v.save(rec, expect)
			if told, ok := errors.AsType[*provider.ConflictError](err); ok && told.Current != nil && isUser(rec) && migrate.IsMoving(told.Current.Format) {
				told.Current.Format = "holdfast-migrate/moved"
			}
			return err
		},
	},
	{
		rule: "a reservation is no record",
		fetch: func(v *view) (*provider.Record, error) {
			rec, err := v.fetch()
			if err == nil && v.isTo && migrate.IsReservation(rec.Format) {
				rec.Format = "format"
			}
			return rec, err
		},
	},
	{
		rule: "a record is created over a reservation that was left",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isPlace(v, rec, expect) && v.p.now.verb == creates {
				return &provider.ConflictError{}
			}
			return v.save(rec, expect)
		},
	},
	{
		rule: "in the phase Move the new store counts if the old one has nothing",
		fetch: func(v *view) (*provider.Record, error) {
			if v.isTo && v.p.phase == moving {
				if v.cell.rec != nil && v.p.search.from.rec == nil {
					return nil, provider.ErrNotFound
				}
			}
			return v.fetch()
		},
	},
	{
		rule: "the outcome of a lost call is unknown",
		save: func(v *view, rec *provider.Record, expect int64) error {
			err := v.save(rec, expect)
			if errors.Is(err, errBroken) && isUser(rec) {
				return provider.ErrNotSaved
			}
			return err
		},
	},
	{
		rule: "a Save that finds nothing in the old store marks that before it goes to the new one",
		save: func(v *view, rec *provider.Record, expect int64) error {
			if isMark(v, rec, expect) && v.p.now.verb == updates {
				return nil
			}
			return v.save(rec, expect)
		},
	},
}

// Without any rule of the protocol, some program breaks the contract.
func TestSearchFindsFlaws(t *testing.T) {
	for i := range flaws {
		f := &flaws[i]
		t.Run(f.rule, func(t *testing.T) {
			t.Parallel()
			total := 0
			for _, p := range flawPrograms() {
				n, err := search(p, f)
				total += n
				if err != nil {
					t.Logf("found after %d executions: %v", total, err)
					return
				}
			}
			t.Errorf("not found in %d executions", total)
		})
	}
}

// flawPrograms returns programs in which the flaws show, the short ones first.
func flawPrograms() (all []program) {
	all = append(all, pairs(moving, prepares, bounds{2, 0})...)
	all = append(all, pairs(moving, newAlone, bounds{2, 1})...)
	all = append(all, pairs(moving, moving, bounds{2, 1})...)
	all = append(all, absences(bounds{2, 1})...)
	all = append(all, triples(prepares, moving, bounds{2, 0})...)
	all = append(all, triples(moving, prepares, bounds{2, 0})...)
	all = append(all, sequences(moving, bounds{1, 1})...)
	return all
}
