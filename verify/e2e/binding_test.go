package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestBindingAtLogin(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.shows("", "none")
	p.logIn("ada")
}

// The browser refreshes the cookie by itself, and once for all requests that wait for it.
func TestBindingRefresh(t *testing.T) {
	site := newBoundSite(t, session.BindingOffered)
	p := site.visit(t)
	p.logIn("ada")
	second := &boundTab{p.another(), site}
	second.open("/")
	p.dropBoundCookie()
	p.shows("ada", "bound")
	if n := site.count("prove ok"); n != 1 {
		t.Errorf("a navigation refreshed the cookie %d times; want once", n)
	}
	p.dropBoundCookie()
	const fetches = `Promise.all([1, 2, 3].map(async () => (await (await fetch("/")).text()).includes("ada"))).then(all => all.every(x => x))`
	if !eval[bool](p.tab, fetches) || !eval[bool](second.tab, fetches) {
		t.Error("a fetch got the page of nobody")
	}
	if n := site.count("prove ok"); n != 2 {
		t.Errorf("six fetches refreshed the cookie %d times; want once", n-1)
	}
}

// Copied cookies stop working at the next refresh, and at once where a proof is required.
func TestBindingStolenCookies(t *testing.T) {
	site := newBoundSite(t, session.BindingOffered)
	p := site.visit(t)
	p.logIn("ada")
	thief := p.thief()
	thief.gets("/", 200, "ada")
	p.dropBoundCookie()
	p.shows("ada", "bound")
	p.dropBoundCookie()
	p.shows("ada", "bound") // the copied token is now the one before the last
	thief.gets("/", 200, "")
	thief.gets("/pay", 403, "")
	p.shows("ada", "bound")
}

func TestBindingWithoutTheBoundCookie(t *testing.T) {
	site := newBoundSite(t, session.BindingOffered)
	p := site.visit(t)
	p.logIn("ada")
	p.dropBoundCookie()
	thief := p.thief()
	thief.gets("/", 200, "")
	thief.gets("/logout", 200, "")
	p.shows("ada", "bound")
}

// A logout and a revocation end the binding, and the next login begins another.
func TestBindingEnds(t *testing.T) {
	site := newBoundSite(t, session.BindingOffered)
	p := site.visit(t)
	p.logIn("ada")
	p.open("/logout")
	p.says("#user", "")
	p.shows("", "none")
	p.logIn("bob")
	p.dropBoundCookie() // the refresh of the session that has ended is refused, that of the new one is not
	p.shows("bob", "bound")
	if err := site.instances[0].Revoke(t.Context(), p.publicID()); err != nil {
		t.Fatal(err)
	}
	p.dropBoundCookie()
	p.shows("", "none")
	p.logIn("eve")
}

// Signing in again renews the session, which stays bound to the key that the browser has.
// Another user registers another key, and the end of the first session takes nothing along.
func TestBindingSecondLogin(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.logIn("ada")
	p.open("/login?user=ada")
	p.shows("ada", "bound")
	if n := site.count("bind ok"); n != 1 {
		t.Errorf("%d registrations; want one", n)
	}
	p.logIn("bob")
	p.dropBoundCookie()
	p.shows("bob", "bound")
	if n := site.count("bind ok"); n != 2 {
		t.Errorf("%d registrations; want two", n)
	}
}

// A bound session that gets an owner without a renewal is bound again. The browser forgets the
// key that it had for it.
func TestBindingOfAnotherOwner(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.logIn("ada")
	p.open("/own?user=bob")
	p.eventually("another registration", func() bool { return site.count("bind ok") == 2 })
	p.shows("ada", "bound")
	p.dropBoundCookie()
	p.shows("ada", "bound")
	if n := site.count("prove ok"); n != 1 {
		t.Errorf("%d proofs; want one", n)
	}
}

// A request that the browser has sent before its key was registered has the session when it
// arrives after that.
func TestBindingOfARequestUnderWay(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.open("/")
	site.underWay.Store(true)
	const held = `(async () => { await fetch("/login?user=ada"); return (await fetch("/held")).text() })()`
	if page := eval[string](p.tab, held); !strings.Contains(page, `id="user">ada<`) || !strings.Contains(page, `id="binding">pending<`) {
		t.Errorf("the request under way got %q", page)
	}
	p.shows("ada", "bound")
}

// A browser that adds the URL of the endpoint to its proofs.
func TestBindingWithAnAudience(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	c, err := startChromium("", boundFlags(t, "DeviceBoundSessionsIncludeAudienceClaim")...)
	if err != nil {
		t.Fatal(err)
	}
	p := site.visitIn(t, c)
	p.logIn("ada")
	p.dropBoundCookie()
	p.shows("ada", "bound")
	site.mu.Lock()
	defer site.mu.Unlock()
	if want := []string{site.url + "/device-binding/register", site.url + "/device-binding/refresh"}; !slices.Equal(site.audiences, want) {
		t.Errorf("audiences %q; want %q", site.audiences, want)
	}
	if err := c.stop(); err != nil {
		t.Error(err)
	}
}

// A store that fails signs nobody out.
func TestBindingStoreDown(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.logIn("ada")
	p.dropBoundCookie()
	site.down.Store(true)
	p.openFor(http.StatusServiceUnavailable, "/")
	p.complaints() // of the answer 503
	site.down.Store(false)
	p.shows("ada", "bound")
}

// The browser proves its key before it sends a payment again, with its method and body. A
// client with copied cookies gets no further, although they have not expired.
func TestBindingProofBeforeAPayment(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	p := site.visit(t)
	p.logIn("ada")
	p.do(p.js(`document.querySelector("#to").value = "bob"`))
	p.click("#pay")
	p.says("#user", "paid bob") // right after the registration
	thief := p.thief()
	time.Sleep(proofAge)
	if n := site.count("prove ok"); n != 0 {
		t.Fatalf("%d proofs before one was asked for", n)
	}
	thief.gets("/", 200, "paid bob")
	thief.gets("/pay", 403, "")
	p.open("/")
	p.do(p.js(`document.querySelector("#to").value = "eve"`))
	p.click("#pay")
	p.says("#user", "paid eve")
	if n := site.count("prove ok"); n != 1 {
		t.Errorf("%d proofs; want one", n)
	}
}

// The session and its key outlive the browser.
func TestBindingRestart(t *testing.T) {
	site := newBoundSite(t, session.BindingRequired)
	profile := t.TempDir()
	run := func(use func(*boundTab)) {
		c, err := startChromium(profile, boundFlags(t)...)
		if err != nil {
			t.Fatal(err)
		}
		use(site.visitIn(t, c))
		if err := c.stop(); err != nil {
			t.Fatal(err)
		}
	}
	run(func(p *boundTab) { p.logIn("ada") })
	run(func(p *boundTab) {
		p.dropBoundCookie()
		p.shows("ada", "bound")
	})
}
