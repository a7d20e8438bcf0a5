package e2e_test

import (
	"slices"
	"testing"
)

func TestSigningUpAndInRenewsTheSessionAndKeepsTheBasket(t *testing.T) {
	p := visit(t)
	p.open("/")
	p.add("Rope")
	before := p.publicID()
	name := p.signUp()
	p.says("#flash", "Welcome, "+name+".")
	p.says("#count-rope", "1")
	up := p.publicID()
	p.signOut()
	p.says("#count-rope", "")

	p.add("Anchor")
	out := p.publicID()
	p.signIn(name, password)
	p.says("#flash", "Welcome, "+name+".")
	p.says("#count-anchor", "1")
	p.says("#count-rope", "")
	in := p.publicID()

	p.open("/")
	p.says("#flash", "")
	if p.publicID() != in {
		t.Error("a mere visit has renewed the session")
	}
	if publicIDs := []string{before, up, out, in}; len(distinct(publicIDs)) != 4 {
		t.Errorf("public IDs of four sessions: %q", publicIDs)
	}
}

func distinct(all []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

func TestAWrongPasswordIsSaidAndTheNameKept(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	p.signOut()
	for _, who := range []string{name, "nobody of this name"} {
		p.open("/signin")
		p.do(p.credentials(who, "wrong horse"))
		p.load(422, click("main form button"))
		p.says("#problem", "The name and the password do not match.")
		if got := eval[string](p, `document.querySelector("input[name=name]").value`); got != who {
			t.Errorf("the name is %q, want %q", got, who)
		}
		p.signedIn("")
	}
}

func TestAChangeOfPasswordRenewsTheSession(t *testing.T) {
	const changed = "battery staple"
	p := visit(t)
	name := p.signUp()
	p.add("Rope")
	publicID, cookie := p.publicID(), p.cookie()

	p.open("/account")
	p.do(write("input[name=old]", password), write("input[name=new]", changed))
	p.click("#change")
	p.says("#flash", "Your password is changed, and your other devices are signed out.")
	p.open("/")
	p.signedIn(name)
	p.says("#count-rope", "1")
	if p.publicID() == publicID || p.cookie().Value == cookie.Value {
		t.Error("the session is the old one")
	}

	p.signOut()
	p.open("/signin")
	p.do(p.credentials(name, password))
	p.load(422, click("main form button"))
	p.signIn(name, changed)
	p.setCookie(cookie)
	p.open("/account")
	p.signedIn("")
}

func TestWhoSignsInInOneTabIsSignedInInTheOther(t *testing.T) {
	a := visit(t)
	a.open("/")
	a.add("Rope")
	b := a.another()
	b.open("/")
	b.says("#count-rope", "1")

	name := a.signUp()
	b.add("Anchor") // with a page from before
	b.signedIn(name)
	a.add("Anchor") // with a page that does not show b's
	a.says("#count-anchor", "2")
	a.says("#count-rope", "1")
	b.open("/account")
	b.signedIn(name)
}
