// Package copies checks the rules of session.ReadCache: browsers read and change sessions,
// each request at another instance, and what they were answered is held against the order
// in which the changes were made.
//
//   - A copy is served for MaxStale at most, and is as old as it says: a read lacks no change,
//     and no revocation, that was answered before its copy was read.
//   - A request that is not safe reads the store.
//   - The reads of a browser do not go back, and it sees its own changes, at any instance.
//   - An instance that has ended a session does not show it any more.
//   - No change that was answered is lost or made twice, also over an old copy.
package copies

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// Load is how a history of browsers is drawn.
type Load struct {
	Sessions int           // at most
	Browsers int           // that hold the same session's cookie
	Requests int           // of each browser
	MaxStale time.Duration // of the instances
	Pause    time.Duration // between two requests of a browser, at most

	ForgetVersions bool // browsers keep only the session's cookie, so that their reads may go back
}

// Stats tell what has been seen of copies.
type Stats struct {
	Histories, Requests int
	Copies              int           // requests that were served from a copy
	Behind              int           // of these, that lacked a change which was answered before they began
	Outlived            int           // that showed a session which had been revoked before they began
	Oldest              time.Duration // age of a copy that was served
	Refused             int           // changes
}

// Add adds what has been seen elsewhere.
func (s *Stats) Add(t Stats) {
	s.Histories += t.Histories
	s.Requests += t.Requests
	s.Copies += t.Copies
	s.Behind += t.Behind
	s.Outlived += t.Outlived
	s.Oldest = max(s.Oldest, t.Oldest)
	s.Refused += t.Refused
}

// Check has browsers read and change sessions, each request at another of the
// instances, which have copies of the same records, and returns an error if an answer
// breaks a rule of session.ReadCache. The draws are those of the seed; what comes first is
// left to the machine.
func Check(ctx context.Context, seed uint64, load Load, instances ...*Instance) (Stats, error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	var wg sync.WaitGroup
	all := make([]*sessionHistory, 1+rng.IntN(load.Sessions))
	for i := range all {
		h, err := beginHistory(ctx, load, instances)
		if err != nil {
			return Stats{}, fmt.Errorf("seed %d: %w", seed, err)
		}
		all[i] = h
		for n := range load.Browsers {
			b := h.newBrowser(n, rand.New(rand.NewPCG(rng.Uint64(), uint64(n))))
			wg.Go(func() { b.run(ctx) })
		}
	}
	wg.Wait()
	stats := Stats{Histories: 1}
	var errs []error
	for _, h := range all {
		h.finish(ctx)
		stats.Add(h.stats())
		if err := h.check(); err != nil {
			errs = append(errs, fmt.Errorf("seed %d: %w\n%v", seed, err, h))
		}
	}
	return stats, errors.Join(errs...)
}

// sessionHistory is what browsers have seen of one session.
type sessionHistory struct {
	load      Load
	instances []*Instance
	opened    time.Time
	cookies   jar // of the session's first answer
	publicID  string

	mu      sync.Mutex
	changes int
	visits  []*visit
}

// browser sends requests one after the other.
type browser struct {
	*sessionHistory
	number int
	rng    *rand.Rand
	jar    jar
}

func beginHistory(ctx context.Context, load Load, instances []*Instance) (*sessionHistory, error) {
	h := &sessionHistory{load: load, instances: instances, opened: time.Now(), cookies: jar{}}
	first := &visit{verb: begin, unsafe: true}
	instances[0].serve(ctx, first, h.cookies)
	h.note(first)
	if first.outcome != done {
		return nil, fmt.Errorf("the session could not be begun: %v", first)
	}
	h.publicID = first.publicID
	return h, nil
}

func (h *sessionHistory) newBrowser(number int, rng *rand.Rand) *browser {
	return &browser{h, number, rng, h.cookies.clone()}
}

func (b *browser) run(ctx context.Context) {
	for range b.load.Requests {
		b.next(ctx)
		if b.load.Pause > 0 {
			witness.Wait(ctx, time.Duration(b.rng.Int64N(int64(b.load.Pause))))
		}
	}
}

// next sends a request: mostly a read, which may use a copy.
func (b *browser) next(ctx context.Context) {
	v := &visit{verb: read, browser: b.number, instance: b.rng.IntN(len(b.instances))}
	switch n := b.rng.IntN(200); {
	case n == 0:
		v.verb = revoke
	case n < 20:
		v.verb, v.unsafe = read, true
	case n < 55:
		v.verb, v.unsafe = add, true
	case n < 65:
		v.verb = add
	case n < 80:
		v.verb, v.unsafe = replace, n < 70
	}
	b.send(ctx, v)
}

func (b *browser) send(ctx context.Context, v *visit) {
	if v.changes() {
		v.change = b.nextChange()
	}
	if b.load.ForgetVersions {
		b.jar.forgetVersion()
	}
	v.begun = time.Since(b.opened)
	if v.verb == revoke {
		b.instances[v.instance].revoke(ctx, v, b.publicID)
	} else {
		b.instances[v.instance].serve(ctx, v, b.jar)
	}
	v.ended = time.Since(b.opened)
	b.note(v)
}

func (h *sessionHistory) nextChange() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	return h.changes
}

func (h *sessionHistory) note(v *visit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.visits = append(h.visits, v)
}

// finish reads what is left, and ends it.
func (h *sessionHistory) finish(ctx context.Context) {
	last := h.newBrowser(h.load.Browsers, nil)
	last.send(ctx, &visit{browser: last.number, verb: read, unsafe: true})
	last.send(ctx, &visit{browser: last.number, verb: revoke})
}
