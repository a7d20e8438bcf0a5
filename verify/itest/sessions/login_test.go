package sessions_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// race sends requests at once, each for a leaf, while every trip to the store takes
// its own time.
func (a *app) race(cookie string, handlers ...string) []answer {
	a.faults("jitter=true")
	defer a.faults("")
	got := make([]answer, len(handlers))
	var wg sync.WaitGroup
	for i, leaf := range handlers {
		wg.Go(func() { got[i] = a.send(postHandler, cookie, leaf) })
	}
	wg.Wait()
	return got
}

// rivals are what may happen while somebody logs in or out.
var rivals = []string{
	"reads", "changes", "reads and changes", "updates", "deletes", "persists", "clears and changes", "sets what there was",
	"renews", "renews and changes", "logs out",
}

// Whatever is under way when somebody logs out does not bring the session back.
func testLogoutIsNotUndone(t *testing.T, a *app) {
	for _, rival := range rivals {
		t.Run("by a request that "+rival, func(t *testing.T) {
			for range *rounds {
				a.logoutAgainst(t, rival)
			}
		})
	}
}

func (a *app) logoutAgainst(t *testing.T, rival string) {
	old := a.begin()
	got := a.race(old, "logs out", rival, rival)
	if got[0].status != http.StatusOK {
		t.Errorf("logging out: %+v", got[0])
	}
	if st := a.opens(old); !st.isNew || st.name != "" {
		t.Errorf("the cookie still opens %+v", st)
	}
	for _, other := range got[1:] {
		if other.status != http.StatusOK && other.status != http.StatusConflict {
			t.Errorf("the other request: %+v", other)
		}
		// Where a renewal was there first, the logout has found nobody.
		if alive := got[0].text == "true"; alive && a.opens(other.cookie).name != "" {
			t.Errorf("the cookie of the other answer opens the session: %+v", other)
		}
	}
}

// changing are rivals whose change is found in the session that they succeeded in
// changing.
var changing = map[string]func(state) bool{
	"changes":            func(s state) bool { return s.count == 1 },
	"reads and changes":  func(s state) bool { return s.count == 1 },
	"updates":            func(s state) bool { return s.count == 1 },
	"deletes":            func(s state) bool { return s.name == "" },
	"clears and changes": func(s state) bool { return s.count == 3 },
}

// After a renewal the old cookie opens nothing, and changes nothing.
func testRenewalLeavesTheOldCookieAnonymous(t *testing.T, a *app) {
	for _, rival := range rivals {
		if strings.HasPrefix(rival, "renews") || rival == "logs out" {
			continue
		}
		t.Run("against a request that "+rival, func(t *testing.T) {
			for range *rounds {
				a.loginAgainst(t, rival)
			}
		})
	}
}

func (a *app) loginAgainst(t *testing.T, rival string) {
	old := a.begin()
	got := a.race(old, "renews", rival)
	login, other := got[0], got[1]
	if login.status != http.StatusOK || login.cookies != 1 || login.cookie == "" || login.cookie == old {
		t.Errorf("logging in: %+v", login)
	}
	if other.status != http.StatusOK && other.status != http.StatusConflict {
		t.Errorf("the other request: %+v", other)
	}
	if st := a.opens(old); !st.isNew || st.name != "" {
		t.Errorf("the old cookie still opens %+v", st)
	}
	if late := a.send(postHandler, old, "updates"); late.status != http.StatusConflict || late.cookies != 0 {
		t.Errorf("a late change: %+v", late)
	}
	st := a.opens(login.cookie)
	if st.isNew {
		t.Error("the new cookie opens nothing")
	}
	if rival == "deletes" && other.text == "false" { // it came after the renewal
		return
	}
	if changed, ok := changing[rival]; ok && changed(st) != (other.status == http.StatusOK) {
		t.Errorf("the other request got %+v, and the session has %+v", other, st)
	}
}

// Of two logins at once both work, and one has the data from before.
func testBothLoginsWork(t *testing.T, a *app) {
	for _, login := range []string{"renews", "renews and changes"} {
		t.Run("when each "+login, func(t *testing.T) {
			for range 5 * *rounds {
				a.loginTwice(t, login)
			}
		})
	}
}

func (a *app) loginTwice(t *testing.T, leaf string) {
	old := a.begin()
	got := a.race(old, leaf, leaf)
	heirs := 0
	for _, login := range got {
		if login.status != http.StatusOK || login.cookies != 1 || login.cookie == "" || login.cookie == old {
			t.Errorf("logging in: %+v", login)
			continue
		}
		st := a.opens(login.cookie)
		if st.name == "begun" {
			heirs++
		}
		if st.isNew || strings.HasSuffix(leaf, "changes") && st.count != 2 {
			t.Errorf("the cookie opens %+v", st)
		}
	}
	if got[0].cookie == got[1].cookie {
		t.Error("both have the same cookie")
	}
	if heirs != 1 {
		t.Errorf("%d have the data from before", heirs)
	}
	if st := a.opens(old); !st.isNew || st.name != "" {
		t.Errorf("the old cookie still opens %+v", st)
	}
}
