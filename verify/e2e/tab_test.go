package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

type step = chromedp.Action[chromedp.Void]

// A tab shows a page of a shop.
type tab struct {
	t    *testing.T
	shop *shop
	root context.Context // the tab's
	ctx  context.Context // root with the test's deadline
	*events
}

// visit opens a tab of a new visitor: one with no cookies.
func visit(t *testing.T) *tab {
	t.Helper()
	needChromium(t)
	s, c := shared(t)
	return newTab(t, s, c.ctx, chromedp.WithNewBrowserContext())
}

// shared returns what all tests use.
func shared(t *testing.T) (*shop, *chromium) {
	t.Helper()
	s, err := theShop()
	if err != nil {
		t.Fatal(err)
	}
	c, err := theChromium()
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// another opens a second tab of the same visitor.
func (p *tab) another() *tab {
	p.t.Helper()
	return newTab(p.t, p.shop, p.root)
}

// elsewhere opens a tab of another visitor of the same shop.
func (p *tab) elsewhere() *tab {
	p.t.Helper()
	_, c := shared(p.t)
	return newTab(p.t, p.shop, c.ctx, chromedp.WithNewBrowserContext())
}

func newTab(t *testing.T, s *shop, parent context.Context, opts ...chromedp.ContextOption) *tab {
	t.Helper()
	p := &tab{t: t, shop: s, events: new(events)}
	var cancel context.CancelFunc
	p.root, _ = chromedp.NewContext(parent, append(opts, chromedp.WithListener(p.hear))...)
	t.Cleanup(func() { chromedp.Cancel(p.root) })
	// Without the deadline, which would be the tab's end.
	if err := chromedp.Do(p.root); err != nil {
		t.Fatal(err)
	}
	p.ctx, cancel = context.WithTimeout(p.root, patience)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		for _, c := range p.complaints() {
			t.Error("the browser complains: ", c)
		}
	})
	return p
}

// in is the tab in a subtest.
func (p *tab) in(t *testing.T) *tab {
	sub := *p
	sub.t = t
	return &sub
}

// do takes steps that stay on the page.
func (p *tab) do(steps ...step) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(p.lost(err))
	}
}

// load takes steps that lead to another page, which must come with that status.
func (p *tab) load(status int, steps ...step) {
	p.t.Helper()
	if got := p.answer(steps...); got != status {
		p.t.Fatal(p.lost(fmt.Errorf("answer %d, want %d", got, status)))
	}
}

// answer takes steps that lead to another page, waits until it is there and returns its
// status.
func (p *tab) answer(steps ...step) (status int) {
	p.t.Helper()
	left := eval[float64](p, `performance.timeOrigin`)
	p.do(steps...)
	p.until(fmt.Sprintf(`performance.timeOrigin !== %v && document.readyState === "complete"`, left))
	return eval[int](p, `performance.getEntriesByType("navigation")[0].responseStatus`)
}

// lost adds to an error where the tab was.
func (p *tab) lost(err error) error {
	where, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body?.innerText`))
	return fmt.Errorf("%w\nat %s", err, where)
}

func (p *tab) open(path string) {
	p.t.Helper()
	p.openFor(200, path)
}

// openFor opens a page that comes with that status.
func (p *tab) openFor(status int, path string) {
	p.t.Helper()
	p.load(status, navigate(p.shop.url+path))
}

// navigate begins to open a page.
func navigate(url string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: url})
		return err
	})
}

// click clicks what leads to another page.
func (p *tab) click(css string) {
	p.t.Helper()
	p.load(200, click(css))
}

func click(css string) step { return chromedp.Click(chromedp.CSS(css)) }

func write(css, text string) step { return chromedp.SetValue(chromedp.CSS(css), text) }

// step is a step of one's own.
func (p *tab) step(f func()) step {
	return chromedp.Func(func(context.Context, *chromedp.Target) error { f(); return nil })
}

// js is a step that runs JavaScript.
func (p *tab) js(js string) step { return chromedp.Evaluate[chromedp.Void](js) }

// eval runs JavaScript, and waits for it if it is a promise.
func eval[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js, func(e *runtime.EvaluateParams) { e.AwaitPromise = new(true) }))
	if err != nil {
		p.t.Fatal(p.lost(fmt.Errorf("%s: %w", js, err)))
	}
	return v
}

// until waits until js is true, across pages.
func (p *tab) until(js string) {
	p.t.Helper()
	p.eventually(js, func() bool {
		// An error is a page that is being left.
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](js))
		return err == nil && ok
	})
}

// eventually waits until cond is true.
func (p *tab) eventually(what string, cond func() bool) {
	p.t.Helper()
	for !cond() {
		select {
		case <-p.ctx.Done():
			p.t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// text is what an element says, "" if there is none.
func (p *tab) text(css string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`document.querySelector(%s)?.textContent.trim() ?? ""`, quote(css)))
}

func quote(s string) string {
	js, _ := json.Marshal(s)
	return string(js)
}

// says checks what an element says.
func (p *tab) says(css, want string) {
	p.t.Helper()
	if got := p.text(css); got != want {
		p.t.Errorf("%s says %q, want %q", css, got, want)
	}
}

// user is who the page says is signed in.
func (p *tab) user() string {
	p.t.Helper()
	return p.text("#user")
}

// signedIn checks who the page says is signed in. Nobody is "".
func (p *tab) signedIn(want string) {
	p.t.Helper()
	if got := p.user(); got != want {
		p.t.Errorf("%q is signed in, want %q", got, want)
	}
}

// hides checks that the page does not have text anywhere.
func (p *tab) hides(text string) {
	p.t.Helper()
	if html := eval[string](p, `document.documentElement.outerHTML`); strings.Contains(html, text) {
		p.t.Errorf("the page shows %q: %s", text, html)
	}
}

// publicID is the session's, as the home page shows it.
func (p *tab) publicID() string {
	p.t.Helper()
	return eval[string](p, `document.querySelector("#public-id").title`)
}

// add puts a product into the basket.
func (p *tab) add(product string) {
	p.t.Helper()
	p.click(fmt.Sprintf(`button[aria-label="Add %s"]`, product))
}

const password = "correct horse"

var visitors atomic.Int64

// someone is a name that nobody has and no page contains by chance.
func someone() string { return fmt.Sprintf("visitor-%d", visitors.Add(1)) }

// signUp makes an account and returns its name.
func (p *tab) signUp(more ...step) string {
	p.t.Helper()
	name := someone()
	p.open("/signup")
	p.do(p.credentials(name, password))
	p.do(more...)
	p.click("main form button")
	p.signedIn(name)
	return name
}

// credentials fills the form to sign in or up.
func (p *tab) credentials(name, password string) step {
	return chromedp.Steps(write("input[name=name]", name), write("input[name=password]", password))
}

func (p *tab) signIn(name, password string, more ...step) {
	p.t.Helper()
	p.open("/signin")
	p.do(p.credentials(name, password))
	p.do(more...)
	p.click("main form button")
	p.signedIn(name)
}

func (p *tab) signOut() {
	p.t.Helper()
	p.click("#signout")
	p.signedIn("")
	p.says("#flash", "You are signed out.")
}

// cookies are those that the browser would send to the shop.
func (p *tab) cookies() []*network.Cookie {
	p.t.Helper()
	res, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{p.shop.url}})
	if err != nil {
		p.t.Fatal(err)
	}
	return res.Cookies
}

// cookie is the session's.
func (p *tab) cookie() *network.Cookie {
	p.t.Helper()
	cookies := p.cookies()
	if len(cookies) != 1 {
		p.t.Fatalf("%d cookies, want one", len(cookies))
	}
	return cookies[0]
}

// setCookie puts an earlier cookie back.
func (p *tab) setCookie(c *network.Cookie) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{
		Name: c.Name, Value: c.Value, URL: p.shop.url, Path: c.Path,
		Secure: &c.Secure, HTTPOnly: &c.HTTPOnly, SameSite: c.SameSite,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if got := p.cookie().Value; got != c.Value {
		p.t.Fatal("the browser did not take the cookie")
	}
}
