package linearizable

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/holdfast-go/holdfast/provider"
)

// A client makes calls at random, each after the one before has returned.
type client struct {
	*history
	load     Load
	provider provider.Provider
	rng      *rand.Rand
	line     int // of the picture: another one after a call that does not end
	ids      []string
	versions versions
	known    map[string]int64 // the versions last heard of, by ID
	again    *attempt         // a Save of unknown outcome
}

// An attempt is a Save, to be made once or more often.
type attempt struct {
	rec    *provider.Record
	expect int64
}

func (c *client) run(ctx context.Context, calls int) {
	for range calls {
		c.next(ctx)
		runtime.Gosched() // or on a provider in memory each client runs to its end at one go
	}
}

// finish looks at what is left, and takes it away.
func (c *client) finish(ctx context.Context) {
	c.load.Cancelled, c.load.Lost = 0, 0
	for _, id := range c.ids {
		c.fetch(ctx, id)
		c.delete(ctx, id)
	}
}

// next makes a call. Some time after a Save of unknown outcome it is the same once
// more, as package session does.
func (c *client) next(ctx context.Context) {
	id := c.ids[c.rng.IntN(len(c.ids))]
	switch n := c.rng.IntN(100); {
	case c.again != nil && n < 50:
		c.save(ctx, c.again)
	case n < 30:
		c.fetch(ctx, id)
	case n < 40:
		c.delete(ctx, id)
	default:
		c.save(ctx, &attempt{c.record(id), c.expectation(id)})
	}
}

// expectation is mostly that nobody has changed the record.
func (c *client) expectation(id string) int64 {
	switch n := c.rng.IntN(100); {
	case n < 20:
		return 0
	case n < 35:
		return -1
	case n < 45:
		return c.versions.any(c.rng)
	default:
		return c.known[id]
	}
}

func (c *client) fetch(ctx context.Context, id string) {
	c.make(ctx, call{verb: fetch, id: id}, func(ctx context.Context) (*provider.Record, error) {
		return c.provider.Fetch(ctx, id)
	})
}

func (c *client) save(ctx context.Context, a *attempt) {
	what := call{verb: save, id: a.rec.ID, version: a.rec.Version, expect: a.expect, expired: isExpired(a.rec)}
	r := c.make(ctx, what, func(ctx context.Context) (*provider.Record, error) {
		rec := a.rec.Clone()
		defer scribble(rec) // Save must have kept no reference
		return nil, c.provider.Save(ctx, rec, a.expect)
	})
	c.again = nil
	if r.outcome == unknown {
		c.again = a
	}
}

func (c *client) delete(ctx context.Context, id string) {
	c.make(ctx, call{verb: remove, id: id}, func(ctx context.Context) (*provider.Record, error) {
		return nil, c.provider.Delete(ctx, id)
	})
}

// make makes a call and adds it to the history. It may be cancelled on its way,
// and the answer to a Save may get lost behind the provider's back.
func (c *client) make(ctx context.Context, what call, do func(context.Context) (*provider.Record, error)) result {
	began := c.tick()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if c.rng.Float64() < c.load.Cancelled {
		c.cancelAfter(c.rng.Int64N(2*int64(c.load.Clients)), cancel)
	}
	rec, err := do(ctx)
	r := c.answer(ctx, what, rec, err)
	if what.verb == save && c.rng.Float64() < c.load.Lost {
		r = result{outcome: unknown}
	}
	c.learn(what, r)
	c.add(c.line, began, what, r)
	if r.outcome == unknown {
		c.line += c.load.Clients
	}
	return r
}

// answer returns what a provider has answered, and blames it for what it never may.
func (c *client) answer(ctx context.Context, what call, rec *provider.Record, err error) result {
	told, tells := errors.AsType[*provider.ConflictError](err)
	switch {
	case what.verb == save && tells:
		return result{outcome: conflict, tells: true, found: c.check(what, told.Current)}
	case what.verb == save && errors.Is(err, provider.ErrVersionConflict):
		return result{outcome: conflict}
	case what.verb == fetch && errors.Is(err, provider.ErrNotFound):
		return result{outcome: done, tells: true}
	case err != nil:
		c.judge(what, err, ctx.Err())
		return result{outcome: unknown}
	case what.verb == fetch && rec == nil:
		c.blame(fmt.Errorf("%s returns neither a record nor an error", what.verb))
		return result{outcome: unknown}
	case what.verb == fetch:
		return result{outcome: done, tells: true, found: c.check(what, rec)}
	}
	return result{outcome: done}
}

// judge blames a provider for an error other than that of a cancelled context,
// unless its server is faulty.
func (c *client) judge(what call, err, ended error) {
	if ended == context.Canceled && errors.Is(err, ended) {
		return
	}
	c.fail()
	if !c.load.Faulty {
		c.blame(fmt.Errorf("%s, the context's error being %v: %w", what.verb, ended, err))
	}
}

// check returns the version of a record that the provider says it has, and blames
// it if the record is not as it was saved.
func (c *client) check(what call, got *provider.Record) int64 {
	if got == nil {
		return 0
	}
	version := got.Version
	if want := c.announced(version); want == nil || got.ID != what.id || !same(got, want) {
		c.blame(fmt.Errorf("%s returns a record that nobody has saved, version %d:\ngot  %.200v\nwant %.200v", what.verb, version, got, want))
	}
	scribble(got) // it belongs to the caller
	return version
}

// learn keeps what a result tells about what is stored now.
func (c *client) learn(what call, r result) {
	switch {
	case r.tells:
		c.known[what.id] = r.found
	case r.outcome != done:
	case what.verb == save && !what.expired:
		c.known[what.id] = what.version
	default:
		c.known[what.id] = 0
	}
}
