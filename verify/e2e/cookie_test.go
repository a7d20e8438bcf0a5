package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

func TestTheCookieAsTheBrowserSeesIt(t *testing.T) {
	p := visit(t)
	p.open("/signin")
	if n := len(p.cookies()); n != 0 {
		t.Errorf("%d cookies for a visitor of whom nothing is stored", n)
	}
	p.signUp()
	c := p.cookie()
	want := network.Cookie{
		Name: "__Host-session", Value: c.Value, Size: c.Size,
		Domain: "localhost", // a dot in front would share it with subdomains
		Path:   "/", Secure: true, HTTPOnly: true, SameSite: network.CookieSameSiteLax,
		Session: true, Expires: -1,
		Priority: c.Priority, SourceScheme: c.SourceScheme, SourcePort: c.SourcePort,
	}
	if *c != want {
		t.Errorf("cookie\n%+v, want\n%+v", *c, want)
	}
	if seen := eval[string](p, `document.cookie`); seen != "" {
		t.Errorf("scripts see %q", seen)
	}
}

// A cookie is old when the session has been renewed, which signing in does, or
// destroyed. Who has a copy of one is nobody.
func TestAReplayedOldCookieIsAnonymous(t *testing.T) {
	p := visit(t)
	p.open("/")
	p.add("Rope")
	planted := p.cookie()
	name := p.signUp()
	p.add("Rope")
	stolen := p.cookie()
	p.signOut()
	p.signIn(name, password)
	now := p.cookie()

	for when, old := range map[string]*network.Cookie{"before sign-in": planted, "before sign-out": stolen} {
		t.Run(when, func(t *testing.T) {
			p := p.in(t)
			p.setCookie(old)
			for _, path := range []string{"/account", "/signin", "/signup"} {
				p.open(path)
				p.hides(name)
			}
			p.open("/account")
			if at := eval[string](p, `location.pathname`); at != "/signin" {
				t.Errorf("the account is at %s, want a redirect to /signin", at)
			}
			// It counts visits, which begins another session, but not while the answer that
			// has ended this one may be under way.
			if p.answer(navigate(p.shop.url+"/")) == 409 {
				p.says("h1", "This session has ended")
			}
			p.hides(name)
			// The next sign-in works all the same.
			p.signIn(name, password)
			p.says("#count-rope", "")
			p.setCookie(now)
			p.open("/")
			p.signedIn(name)
		})
	}
}

func TestKeepMeSignedInSurvivesARestartOfTheBrowser(t *testing.T) {
	t.Parallel()
	const keep = "input[name=keep]"
	needChromium(t)
	profile := profileDir(t)
	var name string
	session := func(visit func(p *tab)) {
		t.Helper()
		s, _ := shared(t)
		c, err := startChromium(profile)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.stop() })
		visit(newTab(t, s, c.ctx))
		if err := c.stop(); err != nil {
			t.Fatal(err)
		}
	}

	session(func(p *tab) {
		name = p.signUp(click(keep))
		p.add("Rope")
		c := p.cookie()
		expires := time.Unix(int64(c.Expires), 0)
		if days := time.Until(expires).Hours() / 24; c.Session || days < 29 || days > 31 {
			t.Errorf("the cookie expires %s, want in 30 days", expires)
		}
	})
	session(func(p *tab) {
		p.open("/")
		p.signedIn(name)
		p.says("#count-rope", "1")
		p.signOut()
		p.signIn(name, password)
		if c := p.cookie(); !c.Session {
			t.Error("the cookie is kept although nobody asked for it")
		}
	})
	session(func(p *tab) {
		p.open("/account")
		p.signedIn("")
		p.hides(name)
	})
}

// profileDir is a folder for a browser's profile.
func profileDir(t *testing.T) string { return t.TempDir() }
