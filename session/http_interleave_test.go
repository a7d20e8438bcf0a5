package session_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// httpStorm interleaves requests at random: every trip to the store, and every handler,
// pauses for a few milliseconds of the bubble's clock.
type httpStorm struct {
	*httpEnv
	mu  sync.Mutex
	rnd *rand.Rand
}

func newHTTPStorm(t *testing.T, cfg session.Config, seed uint64) *httpStorm {
	storm := &httpStorm{httpEnv: httpNew(t, cfg), rnd: rand.New(rand.NewPCG(seed, 0))}
	storm.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		storm.dawdle()
		defer storm.dawdle()
		return next(ctx, id)
	})
	storm.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		storm.dawdle()
		defer storm.dawdle()
		return next(ctx, rec, expect)
	})
	return storm
}

func (s *httpStorm) dawdle() {
	s.mu.Lock()
	d := s.rnd.IntN(8)
	s.mu.Unlock()
	time.Sleep(time.Duration(d) * time.Millisecond)
}

// send runs leaf below Handler with the value of a cookie, after a random pause.
func (s *httpStorm) send(cookie string, leaf func(*session.Session)) (a httpStormAnswer) {
	s.dawdle()
	w := httpServeTo(httpWithHandler(s.Manager, func(w http.ResponseWriter, _ *http.Request, session *session.Session) {
		a.alive = !session.IsNew()
		leaf(session)
		s.dawdle()
		w.WriteHeader(http.StatusNoContent)
	}), "session="+cookie)
	a.status, a.cookies = w.status, w.header.Values("Set-Cookie")
	if len(a.cookies) > 0 {
		_, value, _ := strings.Cut(a.cookies[0], "=")
		a.cookie, _, _ = strings.Cut(value, ";")
	}
	return a
}

type httpStormAnswer struct {
	alive   bool // whether it was when the session was loaded
	status  int
	cookies []string // Set-Cookie
	cookie  string   // the value of the first
}

// httpStormState is the session that a cookie opens.
type httpStormState struct {
	isNew bool
	count int
	name  string
}

func (s *httpStorm) opens(cookie string) (state httpStormState) {
	s.send(cookie, func(s *session.Session) {
		state.isNew = s.IsNew()
		state.count, _ = httpCount.Get(s)
		state.name, _ = httpName.Get(s)
	})
	return state
}

// httpInterleave runs n interleavings for each subject, with touches due and without. run
// checks one interleaving, and names it in its errors.
func httpInterleave(t *testing.T, n int, subjects []string, run func(t *testing.T, storm *httpStorm, subject, run string, cookie string)) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, touch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			storm := newHTTPStorm(t, session.Config{IdleTimeout: time.Hour, TouchInterval: time.Minute}, seed)
			for i := range n / 2 {
				subject := subjects[i%len(subjects)]
				cookie := httpCookieOf(t, storm.Manager) // its name is "begun"
				if touch {
					time.Sleep(2 * time.Minute)
				}
				run(t, storm, subject, fmt.Sprintf("%s, touch due %t, number %d", subject, touch, i), cookie)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// httpOthers are the requests that run in parallel to the one under test.
var httpOthers = map[string]func(*session.Session){
	"reads":               func(s *session.Session) { httpName.Get(s) },
	"changes":             func(s *session.Session) { httpCount.Set(s, 1) },
	"reads and changes":   httpBump,
	"updates":             func(s *session.Session) { httpCount.Update(s, func(n int) int { return n + 1 }) },
	"deletes":             func(s *session.Session) { httpName.Delete(s) },
	"persists":            func(s *session.Session) { s.Persist(24 * time.Hour) },
	"renews":              (*session.Session).Renew,
	"renews and changes":  func(s *session.Session) { s.Renew(); httpCount.Set(s, 2) },
	"logs out as well":    (*session.Session).Destroy,
	"clears and changes":  func(s *session.Session) { s.Clear(); httpCount.Set(s, 3) },
	"sets what there was": func(s *session.Session) { httpName.Set(s, "begun") },
}

// httpOtherNames returns their names, sorted, except those with the prefix.
func httpOtherNames(except ...string) (names []string) {
	for name := range httpOthers {
		if !slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix(name, e) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestHTTPLogoutIsNeverUndone(t *testing.T) {
	n := max(httpScale(10_000), 500)
	raced := 0 // the other request ended after the logout had loaded
	httpInterleave(t, n, httpOtherNames(), func(t *testing.T, storm *httpStorm, subject, run, old string) {
		var logout, other httpStormAnswer
		parallel(2, func(i int) {
			if i == 0 {
				logout = storm.send(old, (*session.Session).Destroy)
			} else {
				other = storm.send(old, httpOthers[subject])
			}
		})
		if logout.status != 204 {
			t.Errorf("%s: logout answered %d", run, logout.status)
		}
		renews := strings.HasPrefix(subject, "renews")
		if other.status != 204 && other.status != 409 {
			t.Errorf("%s: the other request answered %d", run, other.status)
		}
		if len(other.cookies) > 0 && !renews && subject != "logs out as well" && subject != "persists" {
			t.Errorf("%s: the other answer sets %q", run, other.cookies)
		}
		if got := storm.opens(old); !got.isNew || got.name != "" {
			t.Errorf("%s: the old cookie still opens %+v", run, got)
		}
		if !logout.alive { // it loaded the tombstone of a renewal or logout, and did nothing
			return
		}
		raced++
		if got := storm.opens(other.cookie); got.name != "" {
			t.Errorf("%s: the other answer's cookie opens the old data: %+v", run, got)
		}
	})
	if raced < n/2 {
		t.Errorf("only %d of %d interleavings were races", raced, n)
	}
	t.Logf("%d interleavings, %d of them races", n, raced)
}

func TestHTTPRenewedSessionLeavesItsOldCookieAnonymous(t *testing.T) {
	n := max(httpScale(10_000), 500)
	httpInterleave(t, n, httpOtherNames("renews", "logs out"), func(t *testing.T, storm *httpStorm, subject, run, old string) {
		var login, other httpStormAnswer
		parallel(2, func(i int) {
			if i == 0 {
				login = storm.send(old, (*session.Session).Renew)
			} else {
				other = storm.send(old, httpOthers[subject])
			}
		})
		if login.status != 204 || len(login.cookies) != 1 || login.cookie == old || login.cookie == "" {
			t.Errorf("%s: login answered %d with %q", run, login.status, login.cookies)
		}
		if len(other.cookies) > 0 && subject != "persists" {
			t.Errorf("%s: the other answer sets %q", run, other.cookies)
		}
		if got := storm.opens(old); !got.isNew || got.name != "" {
			t.Errorf("%s: the old cookie still opens %+v", run, got)
		}
		late := storm.send(old, httpOthers[subject])
		if want, ok := httpLateStatus[subject]; ok && late.status != want || len(late.cookies) > 0 {
			t.Errorf("%s: a late request got %d and %q; want %d and no cookie", run, late.status, late.cookies, want)
		}
		got := storm.opens(login.cookie)
		if got.isNew {
			t.Errorf("%s: the new cookie opens nothing", run)
		}
		// A change that the other request was told is saved is in the one successor; any
		// other change is nowhere.
		landed, ok := httpLanded[subject]
		if ok && landed(got) != (other.alive && other.status == 204) {
			t.Errorf("%s: the other request got %+v, and the successor is %+v", run, other, got)
		}
	})
}

// httpLateStatus is the status for a request that finds a tombstone.
var httpLateStatus = map[string]int{
	"reads":               204,
	"changes":             409,
	"reads and changes":   409,
	"updates":             409,
	"clears and changes":  409,
	"sets what there was": 409,
}

// httpLanded reports whether the other request's change is in the state.
var httpLanded = map[string]func(httpStormState) bool{
	"changes":            func(s httpStormState) bool { return s.count == 1 },
	"reads and changes":  func(s httpStormState) bool { return s.count == 1 },
	"updates":            func(s httpStormState) bool { return s.count == 1 },
	"deletes":            func(s httpStormState) bool { return s.name == "" },
	"clears and changes": func(s httpStormState) bool { return s.count == 3 && s.name == "" },
}

// After two clicks on Log in both logins work, and the old session has one successor.
func TestHTTPTwoRenewalsHaveOneSuccessorAndBothLoginsWork(t *testing.T) {
	n := max(httpScale(10_000), 500)
	httpInterleave(t, n, []string{"two logins", "two bare renewals"}, func(t *testing.T, storm *httpStorm, subject, run, old string) {
		answers := make([]httpStormAnswer, 2)
		parallel(2, func(i int) {
			answers[i] = storm.send(old, func(s *session.Session) {
				s.Renew()
				if subject == "two logins" {
					httpCount.Set(s, 42)
				}
			})
		})
		heirs := 0
		for i, a := range answers {
			if a.status != 204 || len(a.cookies) != 1 || a.cookie == "" || a.cookie == old {
				t.Errorf("%s: login %d answered %d with %q", run, i, a.status, a.cookies)
				continue
			}
			got := storm.opens(a.cookie)
			if got.name == "begun" {
				heirs++
			}
			if got.isNew || subject == "two logins" && got.count != 42 {
				t.Errorf("%s: login %d opens %+v", run, i, got)
			}
		}
		if answers[0].cookie == answers[1].cookie {
			t.Errorf("%s: both have the same cookie", run)
		}
		if heirs != 1 {
			t.Errorf("%s: %d sessions have the old data", run, heirs)
		}
		if got := storm.opens(old); !got.isNew || got.name != "" {
			t.Errorf("%s: the old cookie still opens %+v", run, got)
		}
	})
}
