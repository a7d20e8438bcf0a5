package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// attempts limit how fast passwords can be guessed. What counts is failures: a sign-in
// that succeeds gives back what it took. There are three limits, so that nobody can lock
// a user out by guessing: an address that the user has signed in from before is outside
// of the account's.
type attempts struct {
	mu   sync.Mutex
	full map[string]time.Time // when a key may be used burst times at once again
}

// limit lets burst attempts through at once, and then one every so often.
type limit struct {
	burst int
	every time.Duration
}

var (
	ofPair    = limit{5, time.Minute}        // an address at an account
	ofAddress = limit{20, 10 * time.Second}  // an address at any account
	ofAccount = limit{100, 10 * time.Minute} // all addresses at an account (NIST SP 800-63B-4, section 3.2.2)
)

// maxKeys bounds the memory. An attack from more addresses is for what stands in front
// of the app to stop.
const maxKeys = 10_000

// tooOften is the error of an attempt that has to wait.
type tooOften time.Duration

func (t tooOften) seconds() int { return int((time.Duration(t) + time.Second - 1) / time.Second) }

func (t tooOften) Error() string {
	return fmt.Sprintf("There were too many attempts. Please try again in %d seconds.", t.seconds())
}

// an attempt is one key of attempts and its limit.
type attempt struct {
	key string
	limit
}

// begin takes an attempt at name's password from address, or returns tooOften. known
// says that the user has signed in from there. An attempt that succeeds, or fails for
// another reason than the password, is given back.
func (a *attempts) begin(name, address string, known bool) (giveBack func(), err error) {
	taken := []attempt{{"pair " + address + " " + name, ofPair}, {"address " + address, ofAddress}}
	if !known {
		taken = append(taken, attempt{"account " + name, ofAccount})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	var wait time.Duration
	for _, t := range taken {
		wait = max(wait, t.wait(a.full[t.key], now))
	}
	if wait > 0 {
		return nil, tooOften(wait)
	}
	for _, t := range taken {
		a.makeRoom(now)
		a.full[t.key] = later(a.full[t.key], now).Add(t.every)
	}
	return func() { a.giveBack(taken) }, nil
}

// wait returns how long an attempt of a key has to wait that is full again at full.
func (l limit) wait(full, now time.Time) time.Duration {
	return later(full, now).Add(l.every).Sub(now) - time.Duration(l.burst)*l.every
}

func (a *attempts) giveBack(taken []attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range taken {
		if full, ok := a.full[t.key]; ok {
			a.full[t.key] = full.Add(-t.every)
		}
	}
}

// makeRoom forgets keys when there are too many: those that are as good as new or,
// without such keys, any others.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.full) < maxKeys {
		return
	}
	for key, full := range a.full {
		if !full.After(now) {
			delete(a.full, key)
		}
	}
	for key := range a.full {
		if len(a.full) < maxKeys {
			return
		}
		delete(a.full, key)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// addressOf is whom an attempt counts for: an IPv4 address, or the network of an IPv6
// address, since each customer has one. Behind a proxy it would be the proxy's; take
// what that says of its client then, and only from that proxy.
func addressOf(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := from.Addr().Unmap()
	if address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return r.RemoteAddr
	}
	return network.String()
}
