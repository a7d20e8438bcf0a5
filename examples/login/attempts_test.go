package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"ada":                     "ada",
		" Ada ":                   "ada",
		"ADA.Lovelace-1815_uk":    "ada.lovelace-1815_uk",
		"a":                       "a",
		"7":                       "7",
		strings.Repeat("b", 40):   strings.Repeat("b", 40),
		strings.Repeat("b", 41):   "",
		"":                        "",
		" ":                       "",
		"a b":                     "",
		"-a":                      "",
		"a_":                      "",
		"a.-b":                    "",
		"a@b":                     "",
		"\u0430da":                "", // Cyrillic
		"ad\u0430":                "",
		"\u03b1da":                "", // Greek
		"ada\u0301":               "", // a combining accent
		"\u00e1da":                "",
		"\uff41da":                "", // wide
		"\u212aate":               "", // the Kelvin sign, whose lower case is k
		"ad\u0131":                "", // a dotless i
		"a\u200bda":               "", // of no width
		"a\x00da":                 "",
		"\xff":                    "",
		"a\u2011b":                "", // a hyphen
		"\u202eada":               "", // from right to left
		"ada\n":                   "ada",
		"a\nda":                   "",
		strings.Repeat("b", 4096): "",
	} {
		got, err := cleanName(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
}

func newAttempts() *attempts { return &attempts{full: map[string]time.Time{}} }

// fail is an attempt with a wrong password. It returns how long it has to wait, 0 if it
// was let through.
func (a *attempts) fail(name, address string, known bool) time.Duration {
	_, err := a.begin(name, address, known)
	var wait tooOften
	errors.As(err, &wait)
	return time.Duration(wait)
}

// guess fails n times at once, and returns how many were let through.
func (a *attempts) guess(n int, name, address string) (through int) {
	for range n {
		if a.fail(name, address, false) == 0 {
			through++
		}
	}
	return through
}

func TestGuessesAtAnAccountAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts()
		if n := a.guess(20, "ada", "192.0.2.1"); n != ofPair.burst {
			t.Errorf("%d were let through, want %d", n, ofPair.burst)
		}
		wait := a.fail("ada", "192.0.2.1", false)
		if wait != ofPair.every {
			t.Errorf("a further one has to wait %v, want %v", wait, ofPair.every)
		}
		time.Sleep(wait - 1)
		if a.fail("ada", "192.0.2.1", false) == 0 {
			t.Error("let through before its time")
		}
		time.Sleep(time.Nanosecond)
		if n := a.guess(20, "ada", "192.0.2.1"); n != 1 {
			t.Errorf("%d were let through after %v, want one", n, wait)
		}
	})
}

func TestGuessesFromAnAddressAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, through := newAttempts(), 0
		for i := range 100 {
			through += a.guess(1, fmt.Sprint("user", i), "192.0.2.1")
		}
		if through != ofAddress.burst {
			t.Errorf("%d were let through, want %d", through, ofAddress.burst)
		}
		if a.guess(1, "ada", "192.0.2.2") != 1 {
			t.Error("another address has to wait as well")
		}
	})
}

// However many addresses guess, an account has a limit; and however many guess, its user
// is let in from where he was before.
func TestGuessesOfOthersDoNotLockAUserOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, through := newAttempts(), 0
		for i := range 1000 {
			through += a.guess(1, "ada", fmt.Sprint("192.0.2.", i))
		}
		if through != ofAccount.burst {
			t.Errorf("%d were let through, want %d", through, ofAccount.burst)
		}
		if wait := a.fail("ada", "198.51.100.1", true); wait != 0 {
			t.Errorf("the user has to wait %v where she was before", wait)
		}
		if wait := a.fail("bob", "198.51.100.2", false); wait != 0 {
			t.Errorf("another user has to wait %v", wait)
		}
	})
}

func TestAnAttemptThatIsGivenBackCostsNothing(t *testing.T) {
	a := newAttempts()
	for range 10 * ofAccount.burst {
		giveBack, err := a.begin("ada", "192.0.2.1", false)
		if err != nil {
			t.Fatal(err)
		}
		giveBack()
	}
}

func TestTheMemoryOfAttemptsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts()
		for i := range maxKeys {
			a.fail("ada", fmt.Sprint(i), true)
		}
		if n := len(a.full); n != maxKeys {
			t.Errorf("%d keys, want %d", n, maxKeys)
		}
		time.Sleep(ofPair.every + ofAddress.every) // all are as good as new
		a.fail("ada", "192.0.2.1", true)
		if n := len(a.full); n != 2 {
			t.Errorf("%d keys, want those of one attempt", n)
		}
	})
}

func TestTheAddressOfARequest(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:1234":              "192.0.2.1",
		"[::ffff:192.0.2.1]:1234":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:1":    "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1234":         "fe80::/64",
		"@":                           "@", // a socket of the file system
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		if got := addressOf(r); got != want {
			t.Errorf("%s: %q, want %q", remote, got, want)
		}
	}
}

// Over HTTP: too many wrong passwords are answered by 429, which says when to try again,
// also with the right one. Another account is not concerned.
func TestTooManyWrongPasswords(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	v.signUp("bob", "battery staple")
	for i := range ofPair.burst {
		if status, _ := v.post("/signin", "name", "ada", "password", "a guess"); status != http.StatusUnprocessableEntity {
			t.Errorf("wrong password %d: %d", i, status)
		}
	}
	resp, err := v.client.PostForm(v.server.URL+"/signin", map[string][]string{"name": {"Ada"}, "password": {"correct horse"}})
	if err != nil {
		t.Fatal(err)
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	if status, page := v.read(resp, nil); status != http.StatusTooManyRequests || seconds < 1 || seconds > 60 || !strings.Contains(page, "too many attempts") {
		t.Errorf("%d, Retry-After %d:\n%s", status, seconds, page)
	}
	if status, page := v.post("/signin", "name", "bob", "password", "battery staple"); status != http.StatusOK {
		t.Errorf("another account: %d\n%s", status, page)
	}
}

// The form for a new password asks for the old one, which can be guessed there, too.
func TestTooManyWrongOldPasswords(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	for range ofPair.burst {
		v.post("/account", "old", "a guess", "new", "battery staple")
	}
	if status, page := v.post("/account", "old", "correct horse", "new", "battery staple"); status != http.StatusTooManyRequests {
		t.Errorf("%d\n%s", status, page)
	}
}

// Who signs in from an address makes it known, up to a number.
func TestTheAddressesOfAUser(t *testing.T) {
	u := newUsers()
	acc, err := u.add("ada", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxAddresses + 1 {
		u.seen(acc, fmt.Sprint(i))
	}
	if u.knows("ada", "0") || !u.knows("ada", "1") || !u.knows("Ada", fmt.Sprint(maxAddresses)) || u.knows("bob", "1") {
		t.Error("not the last ones are known")
	}
}
