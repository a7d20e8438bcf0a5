// The promises of package session hold on every store as they do in memory, over
// real HTTP, for an app of one instance and for one of two.
package sessions_test

import "testing"

func TestSessions(t *testing.T) {
	each(t, spec{}, func(t *testing.T, a *app) {
		t.Run("no update is lost", func(t *testing.T) { testNoUpdateIsLost(t, a) })
		t.Run("no update counts twice", func(t *testing.T) { testNoUpdateCountsTwice(t, a) })
		t.Run("pages carry the token that is stored", func(t *testing.T) { testPagesCarryTheStoredToken(t, a) })
		t.Run("a logout is not undone", func(t *testing.T) { testLogoutIsNotUndone(t, a) })
		t.Run("a renewal leaves the old cookie anonymous", func(t *testing.T) { testRenewalLeavesTheOldCookieAnonymous(t, a) })
		t.Run("both logins work", func(t *testing.T) { testBothLoginsWork(t, a) })
		t.Run("costs", func(t *testing.T) { testCosts(t, a) })
	})
}
