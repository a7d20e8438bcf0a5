package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestNoPageIsWiderThanAPhone(t *testing.T) {
	p := visit(t)
	p.phone()
	fits := func(what string) {
		t.Helper()
		size := eval[[2]int](p, `[document.scrollingElement.scrollWidth, innerWidth]`)
		if size[1] != 390 || size[0] > size[1] {
			t.Errorf("%s is %d wide in %d, want 390", what, size[0], size[1])
		}
	}
	for _, path := range []string{"/", "/signin", "/signup"} {
		p.open(path)
		fits(path)
	}
	p.open("/signin")
	p.do(p.credentials("nobody of this name", password))
	p.load(422, click("main form button"))
	fits("/signin, refused")

	name := someone()
	p.open("/signup")
	p.do(p.credentials(strings.Repeat("W", 40-len(name))+name, password)) // as long and wide as can be
	p.click("main form button")
	stolen := p.cookie()
	long := p.text("#user")
	for _, product := range []string{"Rope", "Anchor", "Cleat"} {
		p.add(product)
	}
	p.race()
	fits("/, with all there is")
	phone := visit(t)
	phone.claims(samsung)
	phone.signIn(long, password)
	p.open("/account")
	fits("/account")
	p.signOut()
	fits("/?signed-out")
	p.setCookie(stolen)
	p.openFor(409, "/")
	fits("an error")
}

// samsung is the User-Agent with the longest name.
const samsung = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"

func TestTheShopWorksWithoutJavaScript(t *testing.T) {
	p := visit(t)
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	p.open("/")
	if n := eval[int](p, `document.querySelectorAll(".dots i").length`); n != 0 {
		t.Fatal("JavaScript runs")
	}
	p.says("noscript", "This needs JavaScript, the only thing here that does.")
	name := p.signUp()
	p.add("Rope")
	p.says("#flash", "Rope added.")
	p.says("#count-rope", "1")
	p.click("#empty")
	p.says("#count-rope", "")
	phone := visit(t)
	phone.claims(iPhone)
	phone.signIn(name, password)
	p.open("/account")
	p.click(signOutOne)
	p.says("#flash", "Safari on iPhone is signed out.")
	phone.isSignedOut(name)
	p.signOut()
}
