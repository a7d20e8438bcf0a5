package e2e_test

import (
	"testing"
	"time"
)

const (
	slow     = "POST /basket/slow"
	slowness = 3 * time.Second // that the shop takes for it
)

func TestASlowRequestDoesNotUndoASignOut(t *testing.T) {
	t.Parallel()
	a := visit(t)
	b := a.another()
	var name string
	var status int
	// A sign-out that takes longer than the slow request shows nothing.
	for took := slowness; took >= slowness; {
		name = a.signUp()
		b.open("/")
		b.signedIn(name)
		sent, began := b.onTheWire(slow), time.Now()
		status = b.answer(click("#slow"), b.step(func() {
			b.eventually("the slow request to be sent", func() bool { return b.onTheWire(slow) > sent })
			a.signOut()
			took = time.Since(began)
		}))
	}
	if status != 409 {
		t.Errorf("the slow request is answered %d, want 409", status)
	}
	b.says("h1", "This session has ended")
	b.hides(name)
	for _, p := range []*tab{a, b} {
		p.open("/")
		p.signedIn("")
		p.says("#count-rope", "")
	}
	a.open("/account")
	a.signedIn("")
}

func TestASlowRequestIsSavedIfNobodySignsOut(t *testing.T) {
	t.Parallel()
	p := visit(t)
	p.open("/")
	p.click("#slow")
	p.says("#flash", "Rope added.")
	p.says("#count-rope", "1")
}

func TestSigningOutTwiceIsNoError(t *testing.T) {
	t.Run("in two tabs", func(t *testing.T) {
		a := visit(t)
		a.signUp()
		b := a.another()
		b.open("/")
		b.hearsNothing()
		a.signOut()
		b.signOut() // with a page from before
	})
	t.Run("at once", func(t *testing.T) {
		p := visit(t)
		p.signUp()
		p.hearsNothing()
		answers := eval[[]int](p, `Promise.all([1, 2, 3].map(async () => (await fetch("/signout", { method: "POST" })).status))`)
		for _, status := range answers {
			if status != 200 {
				t.Errorf("answers %d, want 200", answers)
			}
		}
		p.open("/")
		p.signedIn("")
	})
	t.Run("the first answer lost", func(t *testing.T) {
		p := visit(t)
		p.signUp()
		cookie := p.cookie()
		b := p.another()
		b.open("/")
		b.hearsNothing()
		p.signOut()
		b.setCookie(cookie)
		b.signOut()
	})
}

func TestTheBackButtonShowsNothingAfterASignOut(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	p.add("Rope")
	p.open("/account")
	p.says("h1", name)
	p.signOut()

	eval[any](p, `history.back()`)
	p.until(`location.pathname === "/signin" && document.readyState === "complete"`)
	p.hides(name)
	eval[any](p, `history.back()`)
	p.until(`location.pathname === "/" && location.hash === "#basket" && document.readyState === "complete"`)
	p.hides(name)
	p.says("#count-rope", "")
}

// Browsers may keep pages in memory for the back button whatever their
// Cache-Control. The event is faked, since Chromium does not.
func TestAPageFromTheBackForwardCacheIsLoadedAgain(t *testing.T) {
	a := visit(t)
	name := a.signUp()
	b := a.another()
	b.open("/account")
	b.hearsNothing()
	a.signOut()
	b.says("h1", name)
	b.do(b.js(`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`))
	b.until(`location.pathname === "/signin" && document.readyState === "complete"`)
	b.hides(name)
}
