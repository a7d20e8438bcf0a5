package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func TestADoubleClickOnSignInIsSentOnce(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	p.signOut()
	p.open("/signin")
	p.do(p.credentials(name, password))

	// Counted where the next page can read it: Chromium may answer nothing about
	// this one while its successor is on the way.
	p.do(p.js(`{
		const count = (what) => { sessionStorage[what] = 1 + Number(sessionStorage[what] ?? 0) };
		addEventListener("click", () => count("clicks"));
		addEventListener("submit", (event) => { if (!event.defaultPrevented) count("submits") });
	}`))
	at := eval[[2]float64](p, `(({x, y}) => [x + 5, y + 5])(document.querySelector("main form button").getBoundingClientRect())`)
	// Held back until both clicks are done, however slow they are.
	release := p.hold("*/signin")
	p.load(200,
		chromedp.MouseClickXY(at[0], at[1]),
		chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(2)),
		release,
	)
	p.signedIn(name)
	if got := eval[string](p, `sessionStorage.clicks + " clicks, submits: " + sessionStorage.submits`); got != "2 clicks, submits: 1" {
		t.Error(got)
	}
}

// hold holds back the requests for that address until the step that it returns.
func (p *tab) hold(pattern string) (release step) {
	p.t.Helper()
	enable := fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}}
	if _, err := chromedp.Call(p.ctx, fetch.Enable, enable); err != nil {
		p.t.Fatal(err)
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, fetch.Disable, cdp.Empty{})
		return err
	})
}

// These come past the guard of app.js, as from a browser without JavaScript.

func TestParallelSignInsSignIn(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	p.signOut() // which leaves a session, to be renewed
	p.open("/signin")
	answers := eval[[]int](p, fmt.Sprintf(`Promise.all([1, 2, 3].map(async () =>
		(await fetch("/signin", { method: "POST", body: new URLSearchParams({ name: %s, password: %s }) })).status))`,
		quote(name), quote(password)))
	for _, status := range answers {
		if status != 200 {
			t.Errorf("answers %d, want 200", answers)
		}
	}
	p.open("/account")
	p.signedIn(name)
}

// A second submit makes the browser throw the first one's answer away, and its
// cookie with it.
func TestASecondSignInWhileTheFirstIsInFlightSignsIn(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	// A second that comes before the first is sent, or after it is answered, shows
	// nothing: each comes later than the one before.
	for delay := 25; ; delay += 25 {
		p.signOut()
		p.open("/signin")
		p.do(p.credentials(name, password))
		before := p.onTheWire("POST /signin")
		p.do(p.js(fmt.Sprintf(`{ const form = document.querySelector("main form"); form.submit(); setTimeout(() => form.submit(), %d) }`, delay)))
		p.until(`location.pathname === "/" && document.readyState === "complete"`)
		p.signedIn(name)
		if p.onTheWire("POST /signin") == before+2 {
			break
		}
	}
}
