package providertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

var contextRules = []rule{
	{
		"context-cancelled",
		"With a context that was cancelled, every method returns an error that wraps context.Canceled.",
		func(s *subject) {
			ctx, cancel := context.WithCancelCause(s.ctx)
			cancel(errors.New("a cause, which is not the context's error"))
			s.ends(ctx, context.Canceled)
		},
	},
	{
		"context-expired",
		"With a context that has run out of time, every method returns an error that wraps context.DeadlineExceeded.",
		func(s *subject) {
			ctx, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
			defer cancel()
			s.ends(ctx, context.DeadlineExceeded)
		},
	},
	{
		"context-cancelled-meanwhile",
		"When the context is cancelled during a call, an error of the call wraps context.Canceled. The store goes on working.",
		func(s *subject) {
			for range 20 {
				s.endsMeanwhile(context.Canceled, func(after time.Duration) (context.Context, context.CancelFunc) {
					ctx, cancel := context.WithCancel(s.ctx)
					timer := time.AfterFunc(after, cancel)
					return ctx, func() { timer.Stop(); cancel() }
				})
			}
		},
	},
	{
		"context-expired-meanwhile",
		"When the context runs out of time during a call, an error of the call wraps context.DeadlineExceeded. The store goes on working.",
		func(s *subject) {
			for range 20 {
				s.endsMeanwhile(context.DeadlineExceeded, func(after time.Duration) (context.Context, context.CancelFunc) {
					return context.WithTimeout(s.ctx, after)
				})
			}
		},
	},
	{
		"context-only-times-out",
		"With a provider.TimeoutContext, which may only end at its deadline, an error of a call that runs out of time wraps context.DeadlineExceeded all the same. The store goes on working.",
		func(s *subject) {
			ctx, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
			defer cancel()
			s.ends(timeoutContext{ctx}, context.DeadlineExceeded)
			for range 20 {
				s.endsMeanwhile(context.DeadlineExceeded, func(after time.Duration) (context.Context, context.CancelFunc) {
					ctx, cancel := context.WithTimeout(s.ctx, after)
					return timeoutContext{ctx}, cancel
				})
			}
		},
	},
	{
		"context-reserve",
		"With a context of provider.WithReserve, every method works as without it, and its error wraps the context's.",
		func(s *subject) {
			rec := s.stored()
			s.ctx = provider.WithReserve(s.ctx)
			s.holds(rec)
			s.save(s.newRecord(), 0)
			ctx, cancel := context.WithCancel(s.ctx)
			cancel()
			s.ends(ctx, context.Canceled)
		},
	},
	{
		"not-saved",
		"A Save whose error wraps ErrNotSaved has changed nothing and will not change anything later.",
		func(s *subject) {
			for range 20 {
				s.outOfTime(rand.N(4 * time.Millisecond))
			}
		},
	},
}

type timeoutContext struct{ context.Context }

func (timeoutContext) OnlyTimesOut() bool { return true }

// A call is a call of one method with the record's ID.
type call struct {
	name string
	do   func(ctx context.Context, p provider.Provider, rec *provider.Record) error
}

var calls = []call{
	{"Fetch", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		_, err := p.Fetch(ctx, rec.ID)
		return err
	}},
	{"Save", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, successor(rec), -1)
	}},
	{"Delete", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Delete(ctx, rec.ID)
	}},
}

// ends wants every method to return the error of ctx, which has ended.
func (s *subject) ends(ctx context.Context, want error) {
	rec := s.stored()
	for _, c := range calls {
		if err := c.do(ctx, s.Provider, rec); !errors.Is(err, want) {
			s.failf("%s: got error %v, want %v", c.name, err, want)
		}
	}
}

// endsMeanwhile calls all methods in parallel, with a context that ends after a few
// milliseconds, and wants it to end them.
func (s *subject) endsMeanwhile(want error, begin func(time.Duration) (context.Context, context.CancelFunc)) {
	if s.err != nil {
		return
	}
	recs := []*provider.Record{s.stored(), s.newRecord(), s.newRecord()} // for each of calls
	ctx, cancel := begin(rand.N(8 * time.Millisecond))
	defer cancel()
	for _, err := range parallel(len(calls), func(i int) error { return untilEnd(ctx, calls[i], s.Provider, recs[i], want) }) {
		if err != nil {
			s.failf("%w", err)
		}
	}
	s.holds(s.stored())
}

// outOfTime makes saves whose deadline passes, and wants no record from a save that
// returned ErrNotSaved.
func (s *subject) outOfTime(after time.Duration) {
	if s.err != nil {
		return
	}
	recs := make([]*provider.Record, 8)
	for i := range recs {
		recs[i] = s.newRecord()
	}
	ctx, cancel := context.WithTimeout(s.ctx, after)
	defer cancel()
	errs := parallel(len(recs), func(i int) error { return s.Save(ctx, recs[i], 0) })
	rest(20 * time.Millisecond)
	for i, err := range errs {
		if !errors.Is(err, provider.ErrNotSaved) {
			continue
		}
		if found, _ := s.Fetch(s.ctx, recs[i].ID); found != nil { // other rules are about the error
			s.failf("Save: it is said that nothing was saved (%w), and the record is there", err)
		}
	}
}

// untilEnd repeats a call until the context has ended.
func untilEnd(ctx context.Context, c call, p provider.Provider, rec *provider.Record, want error) error {
	for {
		over := ctx.Err() != nil
		err := c.do(ctx, p, rec)
		switch {
		case errors.Is(err, want):
			return nil
		case err != nil:
			return fmt.Errorf("%s: got error %q, want none or %q", c.name, err, want)
		case over:
			return fmt.Errorf("%s: got no error after the end of the context, want %q", c.name, want)
		}
		rest(100 * time.Microsecond)
	}
}

func rest(d time.Duration) { <-time.After(d) }
