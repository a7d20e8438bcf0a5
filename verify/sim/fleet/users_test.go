package fleet

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// user is somebody with one browser.
type user struct {
	owner string

	mu      sync.Mutex
	cookie  string
	session string // the public ID
	visits  int32  // as last shown
	done    int32  // changes that were answered with 200
	unknown int32  // changes that were answered with an error
	open    int32  // pages
	signing bool   // in: no other page is open
	lost    bool   // the database has lost the session: signs in once no page is open
}

// send sends a request of a user to an instance, and judges the answer.
func (in *installation) send(u *user, j job, instance int) outcome {
	in.mu.Lock()
	handler := in.instances[instance]
	in.mu.Unlock()
	u.mu.Lock()
	cookie, id := u.cookie, u.session
	u.mu.Unlock()
	sent := time.Now()
	a := serve(handler, request{j, u.owner}, cookie)
	o := u.judge(j, a)
	if o == signedOut && in.database.journal.has(id) {
		o = lost
	}
	if !in.database.instant {
		in.tally.answered(sent, o)
	}
	return o
}

// judge returns what a user sees, and notes it.
func (u *user) judge(j job, a *answer) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	if j == change && a.status != http.StatusOK {
		u.unknown++
	}
	switch a.status {
	case http.StatusOK:
	case http.StatusConflict:
		return conflict
	default:
		return unavailable
	}
	var (
		name, id string
		visits   int32
	)
	if n, _ := fmt.Sscan(a.body.String(), &name, &visits, &id); n < 3 || name != u.owner {
		return signedOut
	}
	u.visits = visits
	switch j {
	case change:
		u.done++
	case login:
		u.cookie, _, _ = strings.Cut(a.header.Get("Set-Cookie"), ";")
		u.session, u.done, u.unknown = id, visits, 0
	}
	return served
}

// begin reports whether a user opens a page, or signs in. A user who signs in opens no page.
func (u *user) begin(signIn bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.signing || signIn && u.open > 0 {
		return false
	}
	u.open++
	u.signing = signIn
	return true
}

// end is called at the end of a page or a sign-in. It reports whether the user has to sign in,
// and begins that.
func (u *user) end() (signIn bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.signing = u.lost && u.open == 1
	if u.signing {
		u.lost = false
		return true
	}
	u.open--
	return false
}

func (u *user) lose() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lost = true
}

const (
	parallelRequests = 3    // of a page
	changingPages    = 0.15 // the part of the pages whose first request changes the session
	changingRequests = 0.05 // of the others
	signIns          = 0.01 // the part of the visits that are a sign-in
	reloads          = 3    // of a page that has failed, at most
	patience         = 5 * time.Second
)

// visits lets users open pages for so long. They do not wait for each other.
func (in *installation) visits(d time.Duration) {
	end := time.Now().Add(d)
	pause := float64(in.think) / float64(len(in.users))
	for {
		in.mu.Lock()
		next := time.Now().Add(time.Duration(in.rng.ExpFloat64() * pause))
		u, rng := in.users[in.rng.IntN(len(in.users))], rand.New(rand.NewPCG(in.rng.Uint64(), 0x9a9e))
		in.mu.Unlock()
		if next.After(end) {
			in.clock.until(end)
			return
		}
		in.clock.until(next)
		in.work.Go(func() { in.visit(u, rng) })
	}
}

// visit opens a page, or signs the user in.
func (in *installation) visit(u *user, rng *rand.Rand) {
	signIn := rng.Float64() < signIns
	if !u.begin(signIn) {
		return
	}
	if signIn {
		in.signIn(u, rng)
	} else {
		in.open(u, rng)
	}
	if u.end() {
		in.signIn(u, rng)
		u.end()
	}
}

// open opens a page. If a part of it fails, the user opens it again some seconds later.
func (in *installation) open(u *user, rng *rand.Rand) {
	for range 1 + reloads {
		switch in.load(u, rng) {
		case served:
			return
		case lost, signedOut:
			u.lose()
			return
		}
		in.pause(rng)
	}
}

// signIn lets a user try to sign in until that succeeds.
func (in *installation) signIn(u *user, rng *rand.Rand) {
	for in.send(u, login, in.pick(rng)) != served {
		in.pause(rng)
	}
}

func (in *installation) pause(rng *rand.Rand) {
	in.clock.wait(time.Duration(rng.ExpFloat64() * float64(patience)))
}

// load sends the requests of a page in parallel, and returns the worst outcome.
func (in *installation) load(u *user, rng *rand.Rand) outcome {
	var (
		all  sync.WaitGroup
		got  [parallelRequests]outcome
		jobs [parallelRequests]job
		at   [parallelRequests]int
	)
	for i := range parallelRequests {
		share := changingRequests
		if i == 0 {
			share = changingPages
		}
		if rng.Float64() < share {
			jobs[i] = change
		}
		at[i] = in.pick(rng)
	}
	for i := range parallelRequests {
		all.Go(func() {
			in.clock.wait(0)
			got[i] = in.send(u, jobs[i], at[i])
		})
	}
	all.Wait()
	return max(got[0], got[1], got[2])
}

// pick returns the number of the instance for a request.
func (in *installation) pick(rng *rand.Rand) int { return rng.IntN(len(in.instances)) }
