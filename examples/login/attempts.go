package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// attempts limit how fast passwords can be guessed. Only failures count: a sign-in that
// succeeds gives back what it took. There are three limits, so that nobody can lock a
// user out by guessing: the account's limit does not apply to an address from which the
// user has signed in before.
type attempts struct {
	mu   sync.Mutex
	full map[string]time.Time // when a key may be used burst times at once again
}

// limit allows burst attempts at once, and then one every so often.
type limit struct {
	burst int
	every time.Duration
}

var (
	ofPair    = limit{5, time.Minute}        // an address at an account
	ofAddress = limit{20, 10 * time.Second}  // an address at any account
	ofAccount = limit{100, 10 * time.Minute} // all addresses at an account (NIST SP 800-63B-4, section 3.2.2)
)

// maxKeys bounds the memory. An attack from more addresses must be stopped in front of
// the app.
const maxKeys = 10_000

// tooOften is the error of an attempt that has to wait, and the time to wait.
type tooOften time.Duration

func (t tooOften) seconds() int { return int((time.Duration(t) + time.Second - 1) / time.Second) }

func (t tooOften) Error() string {
	return fmt.Sprintf("There were too many attempts. Please try again in %d seconds.", t.seconds())
}

// An attempt is one key of attempts and its limit.
type attempt struct {
	key string
	limit
}

// begin takes an attempt at name's password from address, or returns tooOften. known
// means that the user has signed in from there. An attempt that succeeds, or fails for
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

// wait returns how long an attempt has to wait for a key that is full again at the time
// full.
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

// makeRoom removes keys when there are too many: those whose limit is full again or, if
// there are none, any others.
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

// addressOf returns the address that an attempt counts for: an IPv4 address, or the
// network of an IPv6 address, since each customer has one. Behind a proxy it would be the
// proxy's address; use the client address that the proxy reports then, and only from that
// proxy.
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
