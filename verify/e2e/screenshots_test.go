package e2e_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "take the README's screenshot again, docs/login.png")

// TestScreenshots leaves pictures to look at. What it checks is that the pages are
// there.
func TestScreenshots(t *testing.T) {
	p := visitOwnShop(t)
	p.open("/signin")
	p.shoot("signin")
	p.open("/signup")
	p.do(p.credentials("ada", password))
	p.click("main form button")
	p.add("Rope")
	p.add("Anchor")
	p.open("/")
	p.race()
	p.says("#kept", "20 of 20")
	p.do(chromedp.MouseEvent(chromedp.MouseMoved, 0, 0)) // off the button
	p.shoot("home")
	if *update {
		const picture = "../../docs/login.png"
		p.save(picture, page.CaptureScreenshotParams{})
		if err := shrink(picture); err != nil {
			t.Fatal(err)
		}
	}
	for _, userAgent := range []string{iPhone, samsung} {
		other := p.elsewhere()
		other.claims(userAgent)
		other.signIn("ada", password)
	}
	p.open("/account")
	p.shoot("account")
	p.signOut()
	p.shoot("signed-out")
	p.signIn("ada", password)
	stolen := p.cookie()
	p.signOut()
	p.setCookie(stolen)
	p.openFor(409, "/")
	p.shoot("error")
}

// visitOwnShop visits a shop where nobody has been.
func visitOwnShop(t *testing.T) *tab {
	t.Helper()
	needChromium(t)
	_, c := shared(t)
	s, err := startShop(t.Name() + ".log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return newTab(t, s, c.ctx, chromedp.WithNewBrowserContext())
}

// shoot takes the page on a desk and on a phone, in light and dark.
func (p *tab) shoot(name string) {
	p.t.Helper()
	for device, show := range map[string]func(){"desk": p.desk, "phone": p.phone} {
		for _, scheme := range []string{"dark", "light"} {
			show()
			p.scheme(scheme)
			p.save(filepath.Join(screenshots, name+"-"+device+"-"+scheme+".png"), page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
		}
	}
	p.desk()
}

func (p *tab) desk() {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(1280, 947)) // down to the end of the basket
}

func (p *tab) phone() {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch,
		chromedp.EmulatePortrait, chromedp.EmulateScale(2)))
}

// scheme sets what prefers-color-scheme asks for.
func (p *tab) scheme(value string) {
	p.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) save(file string, how page.CaptureScreenshotParams) {
	p.t.Helper()
	shot, err := chromedp.Call(p.ctx, page.CaptureScreenshot, how)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
