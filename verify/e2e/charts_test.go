package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const docs = "../../docs"

// TestCharts opens each chart of the documentation.
func TestCharts(t *testing.T) {
	files, err := filepath.Glob(docs + "/*.svg")
	if err != nil || len(files) == 0 {
		t.Fatal("no charts", err)
	}
	p := openCharts(t)
	for _, file := range files {
		name := filepath.Base(file)
		for _, scheme := range []string{"light", "dark"} {
			p.open(name, scheme)
			for _, problem := range p.problems() {
				t.Errorf("%s, %s: %s", name, scheme, problem)
			}
		}
	}
}

// TestBadChartsAreFound breaks a chart.
func TestBadChartsAreFound(t *testing.T) {
	p := openCharts(t)
	const texts = `const texts = document.querySelectorAll("text"), title = texts[0], other = texts[texts.length-1];`
	for _, test := range []struct{ name, scheme, change, want string }{
		{"clipped at the right", "light", `title.setAttribute("x", 700)`, "is not inside the picture"},
		{"clipped at the left", "light", `title.setAttribute("x", -1)`, "is not inside the picture"},
		{"one text on another", "light", `other.setAttribute("x", title.getAttribute("x")); other.setAttribute("y", title.getAttribute("y"))`, "overlaps"},
		{"a text on a line", "light", `const at = document.querySelector("polyline").getPointAtLength(20); title.setAttribute("x", at.x); title.setAttribute("y", at.y)`, "is on a polyline"},
		{"a text on a thin line", "light", `const line = document.querySelector(".grid"); line.setAttribute("class", "distance"); title.setAttribute("y", line.getAttribute("y1"))`, "is on a line"},
		{"a text on a dot", "light", `const dot = document.querySelector("circle"); title.setAttribute("x", dot.getAttribute("cx") - 20); title.setAttribute("y", dot.getAttribute("cy"))`, "is on a circle"},
		{"pale in light", "light", `title.style.fill = "#999999"`, "has a contrast of 2.8"},
		{"pale in dark", "dark", `title.style.fill = "#59636e"`, "has a contrast of 3.1"},
		{"transparent", "dark", `document.querySelector(".background").style.fill = "none"`, "no background"},
		{"without text", "light", `texts.forEach(e => e.remove())`, "no text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.open("keys.svg", test.scheme)
			p.run(chromedp.Evaluate[chromedp.Void](`{` + texts + test.change + `}`))
			found := p.problems()
			if !slices.ContainsFunc(found, func(problem string) bool { return strings.Contains(problem, test.want) }) {
				t.Errorf("found %q, want one that %q", found, test.want)
			}
		})
	}
}

// charts is a tab in which charts are opened.
type charts struct {
	t   *testing.T
	ctx context.Context
	url string
}

func openCharts(t *testing.T) *charts {
	t.Helper()
	needChromium(t)
	browser, err := theChromium()
	if err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.FileServer(http.Dir(docs)))
	t.Cleanup(files.Close)
	tab, cancel := chromedp.NewContext(browser.ctx)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(tab, patience)
	t.Cleanup(stop)
	return &charts{t, ctx, files.URL}
}

func (p *charts) run(step step) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, step); err != nil {
		p.t.Fatal(err)
	}
}

func (p *charts) open(name, scheme string) {
	p.t.Helper()
	p.run(chromedp.Navigate(p.url + "/" + name))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		p.t.Fatal(err)
	}
}

// problems returns what is wrong with the open chart.
func (p *charts) problems() []string {
	p.t.Helper()
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](chartProblems))
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// chartProblems looks for text that is clipped, that overlaps other text or a mark, or that has
// less contrast than WCAG 2.2 requires (1.4.3, level AA). A mark is what is drawn, except the grid.
const chartProblems = `(() => {
	const problems = [], root = document.documentElement, view = root.getBoundingClientRect();
	const box = e => e.getBoundingClientRect();
	const name = e => JSON.stringify(e.textContent);
	const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
	const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

	const texts = [...document.querySelectorAll("text")];
	if (texts.length === 0) problems.push("no text");
	for (const [i, text] of texts.entries()) {
		if (!inside(box(text), view)) problems.push(name(text) + " is not inside the picture");
		for (const other of texts.slice(i + 1))
			if (!apart(box(text), box(other))) problems.push(name(text) + " overlaps " + name(other));
	}

	// on reports whether a point of the mark's outline, as thick as its stroke, is in the box.
	const on = (mark, b) => {
		const m = mark.getScreenCTM(), thick = parseFloat(getComputedStyle(mark).strokeWidth) / 2;
		const near = {left: b.left - thick, right: b.right + thick, top: b.top - thick, bottom: b.bottom + thick};
		if (apart(near, box(mark)) && !inside(box(mark), near)) return false;
		const length = mark.getTotalLength();
		for (let at = 0; at <= length; at += 0.5) {
			const q = mark.getPointAtLength(at).matrixTransform(m);
			if (q.x > near.left && q.x < near.right && q.y > near.top && q.y < near.bottom) return true;
		}
		return false;
	};
	for (const mark of document.querySelectorAll("line, polyline, polygon, circle, ellipse, path, rect")) {
		if (mark.matches(".grid, .background")) continue;
		for (const text of texts)
			if (on(mark, box(text))) problems.push(name(text) + " is on a " + mark.localName + " ." + mark.getAttribute("class"));
	}

	const rgba = colour => (colour.match(/[\d.]+/g) || []).map(Number);
	const luminance = colour => {
		const [r, g, b] = rgba(colour).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = document.querySelector("rect.background");
	const fill = ground ? getComputedStyle(ground).fill : "none";
	if (rgba(fill).length !== 3 || !inside(view, box(ground))) return [...problems, "no background"];
	for (const text of document.querySelectorAll("text, tspan")) {
		const [a, b] = [luminance(getComputedStyle(text).fill), luminance(fill)];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (!(contrast >= 4.5)) problems.push(name(text) + " has a contrast of " + contrast.toFixed(2));
	}
	return problems;
})()`
