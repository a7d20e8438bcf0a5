package e2e_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// adminPages are the pages that GET shows, with a session of the owner ann.
func adminPages(p *tab) map[string]string {
	p.t.Helper()
	p.open("/admin/sessions?owner=ann")
	id := url.QueryEscape(eval[string](p, `document.querySelector("table a").title`))
	return map[string]string{
		"overview": "", "find": "find", "sessions": "sessions", "owner": "sessions?owner=ann", "label": "sessions?label=tenant&value=acme",
		"session": "session?id=" + id, "keys": "keys", "health": "health",
		"confirm": "end-session?id=" + id, "confirm-values": "values?id=" + id, "confirm-owner": "end-owner?owner=ann",
		"confirm-all": "end-all", "confirm-key": "rotate-signing-key",
	}
}

// Each page has no violation of a rule of axe-core and fits into 360 pixels, in light and
// dark.
func TestAdminPagesAreAccessible(t *testing.T) {
	script := readAxe(t)
	p := visitAdmin(t)
	check := func(name string) {
		t.Helper()
		for device, show := range map[string]func(){"desk": p.desk, "narrow": p.narrow} {
			for _, scheme := range []string{"light", "dark"} {
				show()
				p.scheme(scheme)
				for _, v := range p.violations(script) {
					t.Errorf("%s, %s, %s: %v", name, device, scheme, v)
				}
				size := eval[[2]int](p, `[document.scrollingElement.scrollWidth, innerWidth]`)
				if size[0] > size[1] || device == "narrow" && size[1] != 360 {
					t.Errorf("%s is %d wide in %d", name, size[0], size[1])
				}
				p.save(filepath.Join(screenshots, "admin-"+name+"-"+device+"-"+scheme+".png"), page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
			}
		}
	}
	pages := adminPages(p)
	for name, path := range pages {
		p.open("/admin/" + path)
		check(name)
	}
	p.open("/admin/" + pages["confirm-values"])
	p.click("main form button")
	check("values")
	p.openFor(404, "/admin/session?id="+strings.Repeat("W", 43))
	check("no-session")
	p.open("/admin/")
	p.click(`a[href="find"]`)
	p.do(p.js(`document.querySelector("details")?.setAttribute("open", "")`))
	check("find-again")
	p.open("/admin/")
	p.do(p.js(`document.querySelector("details").open = true`))
	check("table")
}

// An operator finds the sessions of ann, looks at one, and ends it.
func TestAdminWithoutJavaScript(t *testing.T) {
	p := visitAdmin(t)
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	p.open("/admin/")
	p.click(`header a[href="find"]`)
	p.do(write(`input[name=owner]`, "ann"))
	p.click(`form:has(input[name=owner]) button`)
	p.says("h1", "Sessions of owner ann")
	p.click("table a")
	id := p.text("#public-id")
	p.click(`a[href^="values"]`)
	p.click("main form button")
	if value := p.text("pre"); !strings.Contains(value, `"rope": 2`) {
		t.Errorf("the value is shown as %q", value)
	}
	p.click(`a[href^="end-session"]`)
	p.click("main form button")
	p.says("#done", "The session has ended.")
	p.hides(id)
	p.openFor(410, "/admin/session?id="+url.QueryEscape(id))
}

// focus presses Tab until the element that css names has the focus, which must be visible
// on the way.
func (p *tab) focus(css string) {
	p.t.Helper()
	for range 60 {
		p.do(chromedp.KeyEvent(kb.Tab))
		at := eval[struct {
			There   bool
			Outline string
			Name    string
		}](p, fmt.Sprintf(`(() => {
			const e = document.activeElement;
			return { There: e.matches(%s), Outline: getComputedStyle(e).outlineStyle, Name: e.outerHTML };
		})()`, quote(css)))
		if at.Outline == "none" {
			p.t.Errorf("the focus is not seen on %s", at.Name)
		}
		if at.There {
			return
		}
	}
	p.t.Fatalf("Tab does not reach %s", css)
}

// enter presses Enter, which leads to another page.
func (p *tab) enter(css string) {
	p.t.Helper()
	p.focus(css)
	p.load(200, chromedp.KeyEvent(kb.Enter))
}

func TestAdminByKeyboard(t *testing.T) {
	p := visitAdmin(t)
	p.open("/admin/")
	p.focus(".skip")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.until(`document.activeElement.id === "main"`)
	p.open("/admin/")
	p.enter(`header a[href="find"]`)
	p.focus(`input[name=owner]`)
	p.do(chromedp.KeyEvent("ann"))
	p.load(200, chromedp.KeyEvent(kb.Enter))
	p.says("h1", "Sessions of owner ann")
	p.enter("table a")
	id := p.text("#public-id")
	p.enter(`a[href^="end-session"]`)
	p.enter("button.danger")
	p.says("#done", "The session has ended.")
	p.hides(id)
}

// The login example serves the page to its first user.
func TestAdminOfTheShop(t *testing.T) {
	script := readAxe(t)
	p := visitOwnShop(t)
	name := p.signUp()
	p.add("Rope")
	p.click(`header a[href="/admin/"]`)
	p.says("h1", "Overview")
	p.says("#operator", name)
	p.says("#stored", "1")
	for _, v := range p.violations(script) {
		t.Error(v)
	}
	second := p.elsewhere()
	second.signUp()
	second.openFor(403, "/admin/")
	second.says("h1", "No access")
}

// TestAdminPictures takes the pictures of docs/admin.md with -update.
func TestAdminPictures(t *testing.T) {
	p := visitAdmin(t)
	pages := adminPages(p)
	for name, path := range map[string]string{"admin": pages["overview"], "admin-session": pages["session"]} {
		p.open("/admin/" + path)
		p.scheme("light")
		p.do(chromedp.EmulateViewport(1120, 900))
		file := filepath.Join(screenshots, name+".png")
		if *update {
			file = filepath.Join(docs, name+".png")
		}
		p.save(file, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
		if *update {
			if err := shrink(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}
