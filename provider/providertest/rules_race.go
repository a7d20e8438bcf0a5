package providertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

// These are the numbers of goroutines and rounds of a race. A race of two runs more
// often, because in half of the rounds the order does not reveal a flaw.
const (
	racers = 8
	rounds = 20
	duels  = 40
)

var raceRules = []rule{
	{
		"race-update",
		"Of several updates of one version, one succeeds. The others conflict.",
		func(s *subject) {
			for range rounds {
				rec := s.stored()
				s.oneWins(rec, rec.Version)
			}
		},
	},
	{
		"race-create",
		"Of several Saves that create the same record, one succeeds. The others conflict.",
		func(s *subject) {
			for range rounds {
				s.oneWins(s.newRecord(), 0)
			}
		},
	},
	{
		"race-retry",
		"The same Save several times at once succeeds every time, and counts once.",
		func(s *subject) {
			for range rounds {
				rec := s.stored()
				next := successor(rec)
				for _, err := range parallel(racers, func(int) error { return s.Save(s.ctx, next.Clone(), rec.Version) }) {
					if err != nil {
						s.failf("Save: got error %q, want none", err)
					}
				}
				s.holds(next)
			}
		},
	},
	{
		"race-unchecked",
		"Of several Saves without a check, all succeed and one remains, as a whole.",
		func(s *subject) {
			for range rounds {
				next := rivals(s.newRecord())
				for _, err := range parallel(racers, func(i int) error { return s.Save(s.ctx, next[i], -1) }) {
					if err != nil {
						s.failf("Save: got error %q, want none", err)
					}
				}
				s.holdsOne(next)
			}
		},
	},
	{
		"race-delete-update",
		"An update never brings back a record that is deleted at the same time.",
		func(s *subject) {
			for range duels {
				rec := s.stored()
				next := successor(rec)
				errs := parallel(2, func(i int) error {
					if i == 0 {
						return s.Delete(s.ctx, rec.ID)
					}
					return s.Save(s.ctx, next, rec.Version)
				})
				if errs[0] != nil {
					s.failf("Delete: got error %q, want none", errs[0])
				}
				s.either(errs[1], provider.ErrVersionConflict)
				s.lacks(rec.ID)
			}
		},
	},
	{
		"race-delete-create",
		"A Save that creates a record, while another of its ID is deleted, either succeeds and remains or conflicts.",
		func(s *subject) {
			for range duels {
				rec := s.stored()
				next := successor(rec)
				errs := parallel(2, func(i int) error {
					if i == 0 {
						return s.Delete(s.ctx, rec.ID)
					}
					return s.Save(s.ctx, next, 0)
				})
				if errs[0] != nil {
					s.failf("Delete: got error %q, want none", errs[0])
				}
				if s.either(errs[1], provider.ErrVersionConflict) {
					s.lacks(rec.ID)
				} else {
					s.holds(next)
				}
			}
		},
	},
	{
		"race-count",
		"Increments by compare-and-swap are all counted, each once.",
		func(s *subject) {
			const each = 10
			rec := s.newRecord()
			rec.Data = []byte("0")
			s.save(rec, 0)
			if s.err != nil {
				return
			}
			for _, err := range parallel(racers, func(int) error { return increment(s.ctx, s.Provider, rec.ID, each) }) {
				if err != nil {
					s.failf("%w", err)
				}
			}
			if got, want := string(s.fetch(rec.ID).Data), strconv.Itoa(racers*each); got != want {
				s.failf("after %s increments the counter is %q", want, got)
			}
		},
	},
	{
		"race-read",
		"While a record is being updated, Fetch returns one of its versions as a whole, and never an older one than before.",
		func(s *subject) {
			rec := s.newRecord()
			revise(rec, 1)
			s.save(rec, 0)
			if s.err != nil {
				return
			}
			writing, done := context.WithCancel(s.ctx)
			defer done()
			for _, err := range parallel(racers, func(i int) error {
				if i == 0 {
					defer done()
					return write(s.ctx, s.Provider, rec, 100)
				}
				return read(s.ctx, s.Provider, rec.ID, writing)
			}) {
				if err != nil {
					s.failf("%w", err)
				}
			}
		},
	},
	{
		"race-apart",
		"Records do not affect each other.",
		func(s *subject) {
			recs := make([]*provider.Record, 4*racers)
			for i := range recs {
				recs[i] = s.newRecord()
			}
			for _, err := range parallel(len(recs), func(i int) error {
				own := &subject{Provider: s.Provider, ctx: s.ctx}
				own.livesAlone(recs[i])
				return own.err
			}) {
				if err != nil {
					s.failf("%w", err)
				}
			}
		},
	},
}

// parallel calls f(0) to f(n-1) at once and returns their errors.
func parallel(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// rivals returns records that compete to replace rec.
func rivals(rec *provider.Record) []*provider.Record {
	next := make([]*provider.Record, racers)
	for i := range next {
		next[i] = successor(rec)
		next[i].Format = strconv.Itoa(i)
	}
	return next
}

// oneWins wants one of several Saves to succeed.
func (s *subject) oneWins(rec *provider.Record, expectVersion int64) {
	next := rivals(rec)
	var winners []*provider.Record
	for i, err := range parallel(racers, func(i int) error { return s.Save(s.ctx, next[i], expectVersion) }) {
		if !s.either(err, provider.ErrVersionConflict) {
			winners = append(winners, next[i])
		}
	}
	if len(winners) != 1 {
		s.failf("%d of %d Saves succeeded, want 1", len(winners), racers)
	}
	s.holdsOne(winners)
}

// holdsOne wants the stored record to be one of some records of the same ID.
func (s *subject) holdsOne(recs []*provider.Record) {
	if s.err != nil {
		return
	}
	got := s.fetch(recs[0].ID)
	for _, rec := range recs {
		if rec.Version == got.Version {
			s.holds(rec)
			return
		}
	}
	s.failf("Fetch: got version %d, which was not saved", got.Version)
}

// increment adds one to the number in a record, n times.
func increment(ctx context.Context, p provider.Provider, id string, n int) error {
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d increments are still not through: %w", n, err)
		}
		rec, err := p.Fetch(ctx, id)
		if err != nil || rec == nil {
			return fmt.Errorf("got %s and error %v from Fetch, want a record", describe(rec), err)
		}
		count, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return fmt.Errorf("got Data %q from Fetch, want a number", rec.Data)
		}
		next := successor(rec)
		next.Data = []byte(strconv.Itoa(count + 1))
		switch err := p.Save(ctx, next, rec.Version); {
		case err == nil:
			n--
		case !errors.Is(err, provider.ErrVersionConflict):
			return fmt.Errorf("got error %q from Save, want none or a conflict", err)
		}
	}
	return nil
}

// revise makes rec the version of that number. All of its fields depend on the number.
func revise(rec *provider.Record, version int64) {
	rec.Version = version
	rec.Format = strconv.FormatInt(version, 10)
	rec.Data = []byte(rec.Format)
}

// write updates rec up to the last version. Each version must be visible at once.
func write(ctx context.Context, p provider.Provider, rec *provider.Record, last int64) error {
	for v := rec.Version + 1; v <= last; v++ {
		next := rec.Clone()
		revise(next, v)
		if err := p.Save(ctx, next, v-1); err != nil {
			return fmt.Errorf("got error %q from Save, want none", err)
		}
		if got, err := p.Fetch(ctx, rec.ID); err != nil || got == nil || got.Version != v {
			return fmt.Errorf("got %s and error %v from Fetch after Save of version %d", describe(got), err, v)
		}
	}
	return nil
}

// read fetches the record repeatedly while it is being written.
func read(ctx context.Context, p provider.Provider, id string, writing context.Context) error {
	for seen := int64(0); writing.Err() == nil; {
		rec, err := p.Fetch(ctx, id)
		if err != nil || rec == nil {
			return fmt.Errorf("got %s and error %v from Fetch, want a record", describe(rec), err)
		}
		if rec.Version < seen {
			return fmt.Errorf("got version %d from Fetch after version %d", rec.Version, seen)
		}
		seen = rec.Version
		want := rec.Clone()
		revise(want, seen)
		if diff := difference(rec, want); diff != "" {
			return fmt.Errorf("got version %d from Fetch with a %s", seen, diff)
		}
	}
	return nil
}

// livesAlone creates, updates and deletes rec several times, and wants each step to have
// its result.
func (s *subject) livesAlone(rec *provider.Record) {
	for range 5 {
		s.lacks(rec.ID)
		s.save(rec, 0)
		s.holds(rec)
		next := successor(rec)
		s.save(next, rec.Version)
		s.conflicts(successor(rec), rec.Version)
		s.holds(next)
		s.delete(rec.ID)
	}
}
