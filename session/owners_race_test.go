package session_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// race simulates visitors who sign in and out at random while their sessions are revoked,
// over a slow store that loses, delays and refuses operations, and in programs that end
// in the middle of one. It runs on a bubble's clock.
type race struct {
	*world
	script  *script
	delayed sync.WaitGroup // saves that arrive later

	mu      sync.Mutex
	rnd     *rand.Rand
	clock   int                       // counts answers
	logins  map[string]map[string]int // by cookie and user: the time of the login's answer, or never
	sweeps  []sweep                   // those that returned nil
	revoked []string                  // public IDs whose Revoke returned nil
}

// sweep is one RevokeAll.
type sweep struct {
	user  string
	begin int
}

// never is the time of a login that has no answer, or an error: it may take effect at any
// later time.
const never = math.MaxInt

var raceUsers = []string{"ann", "bob"}

func newRace(t *testing.T, seed uint64, opts ...func(*session.Config)) *race {
	w := newWorld(t, opts...)
	r := &race{world: w, script: w.follow(), rnd: rand.New(rand.NewPCG(seed, 0)), logins: map[string]map[string]int{}}
	r.script.at(-1, nil, r.store)
	return r
}

func (r *race) draw(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rnd.IntN(n)
}

// dawdle sleeps for a random time, mostly a short one.
func (r *race) dawdle() {
	limit := 20 * time.Millisecond
	if r.draw(60) == 0 {
		limit = 10 * time.Minute
	}
	time.Sleep(time.Duration(r.draw(int(limit))))
}

// store performs an operation of the store, or lets it fail, at random.
func (r *race) store(do func() error) error {
	time.Sleep(time.Duration(r.draw(int(20 * time.Millisecond))))
	defer time.Sleep(time.Duration(r.draw(int(20 * time.Millisecond))))
	switch n := r.draw(120); {
	case n < 4:
		return lost(do)
	case n < 8:
		return unacknowledged(do)
	case n < 12:
		wait := time.Duration(r.draw(int(time.Second)))
		r.delayed.Go(func() {
			time.Sleep(wait)
			_ = do()
		})
		return errBroken
	case n == 12:
		return powerOff(do)
	case n == 13:
		return powerOffAfter(do)
	}
	return do()
}

// now returns the next time of the race's clock.
func (r *race) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock++
	return r.clock
}

// login returns the time of the last answer to a login as user that led to the cookie.
func (r *race) login(cookie, user string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.logins[cookie][user]; ok {
		return at
	}
	return never
}

func (r *race) noteLogin(cookie, user string, at int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cookie == "" || r.logins[cookie][user] == never {
		return
	}
	if r.logins[cookie] == nil {
		r.logins[cookie] = map[string]int{}
	}
	r.logins[cookie][user] = at
}

func (c *client) cookie() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.jar["session"]
}

// request sends a request of c's; as is the user that it signs in, if any.
func (r *race) request(c *client, as string, fn func(*session.Session)) {
	tab := c.tab()
	sent := tab.cookie()
	if as != "" {
		r.suspend(sent, as)
	}
	a := tab.post(func(s *session.Session) {
		fn(s)
		r.dawdle()
	})
	got := tab.cookie()
	if got != sent && got != "" {
		for _, user := range raceUsers {
			if user != as {
				r.noteLogin(got, user, r.login(sent, user))
			}
		}
	}
	if as != "" && a.err == nil && got != sent {
		r.noteLogin(got, as, r.now())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got != sent {
		c.jar = tab.jar
	}
}

// suspend excepts a cookie's session from the guarantee: a login of the same cookie is
// under way.
func (r *race) suspend(cookie, user string) { r.noteLogin(cookie, user, never) }

// visit sends a few requests.
func (r *race) visit(c *client) {
	for range 1 + r.draw(4) {
		r.dawdle()
		user := raceUsers[r.draw(len(raceUsers))]
		switch r.draw(11) {
		case 0, 1:
			r.request(c, user, signIn(user))
		case 2, 3:
			r.request(c, user, own(user))
		case 4:
			r.request(c, user, func(s *session.Session) {
				_ = s.Update(context.Background(), func(s *session.Session) error { signIn(user)(s); return nil })
			})
		case 5, 6:
			r.request(c, "", renew)
		case 7, 8:
			r.request(c, "", destroy)
		case 9:
			r.request(c, "", own(""))
		default:
			r.request(c, "", add(keyB, 1))
		}
	}
}

// revoke revokes a few sessions.
func (r *race) revoke(visitors []*client) {
	ctx := context.Background()
	for range 1 + r.draw(3) {
		r.dawdle()
		user := raceUsers[r.draw(len(raceUsers))]
		switch r.draw(5) {
		case 0:
			if all, _ := listed.sessions(ctx, r.m, user); len(all) > 0 {
				r.revokeOne(all[r.draw(len(all))].PublicID())
			}
		case 1:
			visitors[r.draw(len(visitors))].tab().post(func(s *session.Session) { _ = r.m.RevokeOthers(ctx, s) })
		default:
			r.sweep(user)
		}
	}
}

func (r *race) revokeOne(publicID string) {
	if r.m.Revoke(context.Background(), publicID) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked = append(r.revoked, publicID)
}

func (r *race) sweep(user string) {
	begin := r.now()
	if r.revokeAll(user) != nil {
		return
	}
	r.mu.Lock()
	r.sweeps = append(r.sweeps, sweep{user, begin})
	r.mu.Unlock()
	r.wantSwept(user, begin)
}

// wantSwept checks that no login that was answered before the RevokeAll has left a
// session of the user's alive.
func (r *race) wantSwept(user string, begin int) {
	r.mu.Lock()
	var before []string
	for cookie, logins := range r.logins {
		if at, ok := logins[user]; ok && at < begin {
			before = append(before, cookie)
		}
	}
	r.mu.Unlock()
	for _, cookie := range before {
		c := r.client()
		c.jar["session"] = cookie
		if owner := c.owner(); owner == user && r.login(cookie, user) < begin {
			r.t.Errorf("a session of %s has outlived RevokeAll", user)
		}
	}
}

// settle waits for everything that is under way, and checks the sessions that are left.
func (r *race) settle(opts ...func(*session.Config)) {
	r.delayed.Wait()
	r.script.heal()
	r.m = r.manager(opts...)
	for _, sw := range r.sweeps {
		r.wantSwept(sw.user, sw.begin)
	}
	for _, publicID := range r.revoked {
		err := r.m.Update(context.Background(), publicID, func(*session.Session) error { return nil })
		if !errors.Is(err, session.ErrEnded) {
			r.t.Errorf("a revoked session: error %v", err)
		}
	}
	r.wantRevocable()
}

// A session whose login was answered before RevokeAll has ended after it, and every
// session that is alive in the end is listed and can be revoked.
func TestOwnerRaces(t *testing.T) {
	n := uint64(httpScale(3000))
	base := rand.Uint64()
	for seed := base; seed < base+n && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			r := newRace(t, seed, limit(int(seed%4), seed%8 > 4))
			visitors := []*client{r.client(), r.client(), r.client()}
			var all sync.WaitGroup
			for i := range 5 { // two visitors have a second tab
				all.Go(func() { r.visit(visitors[i%3]) })
			}
			for range 2 {
				all.Go(func() { r.revoke(visitors) })
			}
			all.Wait()
			r.settle()
		})
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}
}
