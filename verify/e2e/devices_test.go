package e2e_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"

// twoDevices sign one user in, on browsers that share no cookies.
func twoDevices(t *testing.T) (laptop, phone *tab, name string) {
	t.Helper()
	laptop, phone = visit(t), visit(t)
	phone.claims(iPhone)
	name = laptop.signUp()
	phone.signIn(name, password)
	laptop.lists("Chrome on Linux this device", "Safari on iPhone")
	phone.lists("Safari on iPhone this device", "Chrome on Linux")
	return laptop, phone, name
}

// claims makes the browser call itself another.
func (p *tab) claims(userAgent string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: userAgent})
	if err != nil {
		p.t.Fatal(err)
	}
}

// lists opens the account and checks which devices it lists.
func (p *tab) lists(want ...string) {
	p.t.Helper()
	p.open("/account")
	got := eval[[]string](p, `Array.from(document.querySelectorAll("#devices h3"), (e) => e.textContent)`)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("the devices are %q, want %q", got, want)
	}
}

const signOutOne = `button[name="public_id"]`

// isSignedOut checks that the open page closes by itself, and what the next pages show.
func (p *tab) isSignedOut(name string) {
	p.t.Helper()
	p.closesItself()
	p.hides(name)
	p.open("/account")
	p.says("h1", "Sign in")
	p.hides(name)
	p.open("/") // it counts visits, which begins another session
	p.hides(name)
	p.signedIn("")
	p.says("#count-rope", "")
}

// closesItself waits until the open page of somebody who is signed in has given way to one
// that shows nobody.
func (p *tab) closesItself() {
	p.t.Helper()
	p.until(`document.readyState === "complete" && !document.getElementById("user")`)
}

// hearsNothing makes the open page one whose stream of events is broken.
func (p *tab) hearsNothing() {
	p.t.Helper()
	p.do(p.js(`events?.close(); EventSource = class { addEventListener() {} close() {} }`))
}

func TestADeviceIsSignedOutFromAnother(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	phone.open("/")
	phone.add("Rope")

	laptop.click(signOutOne)
	laptop.says("#flash", "Safari on iPhone is signed out.")
	laptop.lists("Chrome on Linux this device")
	phone.isSignedOut(name)
	phone.signIn(name, password)
	laptop.lists("Chrome on Linux this device", "Safari on iPhone")
}

// Every open page of the device closes at once, and those of the others stay.
func TestOpenPagesOfADeviceThatIsSignedOutClose(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	phone.open("/")
	second := phone.another()
	second.open("/account")
	third := laptop.another()
	third.open("/account")
	left := eval[float64](third, `performance.timeOrigin`)

	laptop.click(signOutOne)
	phone.closesItself()
	second.closesItself()
	second.says("h1", "Sign in")
	phone.hides(name)
	second.hides(name)
	third.signedIn(name)
	if eval[float64](third, `performance.timeOrigin`) != left {
		t.Error("a page of the device that stays has been left")
	}
}

// A form of the page itself ends the session: what follows is what the form leads to.
func TestAPageIsNotClosedByItsOwnForm(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	for range 5 {
		p.signIn(name, password) // on a page of somebody who is signed in
		p.says("#flash", "Welcome, "+name+".")
		p.signOut()
		p.signIn(name, password)
	}
}

func TestTheOtherDevicesAreSignedOut(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	library := visit(t)
	library.signIn(name, password)

	laptop.click("#signout-others")
	laptop.says("#flash", "Your other devices are signed out.")
	laptop.lists("Chrome on Linux this device")
	if n := eval[int](laptop, `document.querySelectorAll("#signout-others").length`); n != 0 {
		t.Error("there are no others, but a button for them")
	}
	phone.isSignedOut(name)
	library.isSignedOut(name)
}

func TestSigningOutEverywhere(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	second := laptop.another()
	second.open("/account")

	laptop.click("#signout-everywhere")
	laptop.says("#flash", "You are signed out.")
	laptop.signedIn("")
	phone.isSignedOut(name)
	second.closesItself()
	second.says("h1", "Sign in")
	second.hides(name)
}

func TestPagesLeftOpenOnADeviceThatWasSignedOut(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	forms := map[string]*tab{signOutOne: nil, "#signout-others": nil, "#signout-everywhere": nil, "#change": nil}
	for button := range forms {
		forms[button] = phone.another()
		forms[button].open("/account")
		forms[button].hearsNothing()
	}
	forms["#change"].do(write("input[name=old]", password), write("input[name=new]", "battery staple"))
	phone.open("/")
	phone.hearsNothing()
	laptop.click(signOutOne)

	for button, p := range forms {
		t.Run(button, func(t *testing.T) {
			p := p.in(t)
			p.click(button)
			p.says("h1", "Sign in")
			p.says("#flash", "You are signed out on this device, so nothing was changed. Please sign in again.")
			p.hides(name)
		})
	}
	phone.load(200, click(`button[aria-label="Add Rope"]`))
	phone.signedIn("")
	phone.hides(name)
	laptop.lists("Chrome on Linux this device")
	phone.signIn(name, password)
}

func TestAPageLeftOpenThatListsADeviceThatWasSignedOut(t *testing.T) {
	laptop, phone, name := twoDevices(t)
	second := laptop.another()
	second.open("/account")
	laptop.click(signOutOne)
	second.click(signOutOne)
	second.says("#flash", "That session is no longer there, and nothing was signed out now. These are the devices that are signed in.")
	second.signedIn(name)
	phone.isSignedOut(name)
}

func TestAForgedHandleSignsNobodyOut(t *testing.T) {
	ada := visit(t)
	name := ada.signUp()
	ada.open("/")
	mallory, _, _ := twoDevices(t)
	mallory.do(mallory.js(fmt.Sprintf(`document.querySelector(%s).value = %s`, quote(signOutOne), quote(ada.publicID()))))
	mallory.click(signOutOne)
	mallory.says("#flash", "That session is no longer there, and nothing was signed out now. These are the devices that are signed in.")
	mallory.lists("Chrome on Linux this device", "Safari on iPhone")
	ada.lists("Chrome on Linux this device")
	ada.open("/")
	ada.signedIn(name)
}
