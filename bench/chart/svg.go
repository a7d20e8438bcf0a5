// Package chart draws the charts of the page of benchmarks as SVG: on logarithmic axes, with a
// label at each mark instead of a legend, in light or dark as the page around them is.
package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
)

const (
	width  = 840.0
	margin = 20.0
	size   = 12.5 // of most text
)

// A picture is an SVG that is being drawn. Each class of it has colours in style.
type picture struct{ strings.Builder }

// A span is a part of a text. Its class may be "".
type span struct{ class, text string }

func (p *picture) text(x, y float64, class string, spans ...span) {
	fmt.Fprintf(p, `<text x="%s" y="%s" class="%s">`, number(x), number(y), class)
	for i, s := range spans {
		if s.class == "" {
			p.WriteString(html.EscapeString(s.text))
			continue
		}
		gap := ""
		if i > 0 {
			gap = ` dx="6"`
		}
		fmt.Fprintf(p, `<tspan class="%s"%s>%s</tspan>`, s.class, gap, html.EscapeString(s.text))
	}
	p.WriteString("</text>\n")
}

func (p *picture) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(p, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`+"\n", number(x1), number(y1), number(x2), number(y2), class)
}

func (p *picture) circle(x, y, r float64, class string) {
	fmt.Fprintf(p, `<circle cx="%s" cy="%s" r="%s" class="%s"/>`+"\n", number(x), number(y), number(r), class)
}

func (p *picture) polyline(points []Point, class string) {
	texts := make([]string, len(points))
	for i, at := range points {
		texts[i] = number(at.X) + "," + number(at.Y)
	}
	fmt.Fprintf(p, `<polyline points="%s" class="%s"/>`+"\n", strings.Join(texts, " "), class)
}

// finish returns the file.
func (p *picture) finish(title string, height float64) []byte {
	h := number(math.Ceil(height))
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s" role="img">
<title>%[3]s</title>
<style>
%[4]s</style>
<rect width="%[1]s" height="%[2]s" class="background"/>
%[5]s</svg>
`, number(width), h, html.EscapeString(title), style(), p.String())
}

// heading writes the title of a chart and how to read it, and returns where these end.
func (p *picture) heading(title, about string) float64 {
	p.text(margin, 30, "title", span{"", title})
	p.text(margin, 50, "quiet", span{"", about})
	return 62
}

// number formats a coordinate.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

// room returns about the width of a text in the widest of the fonts that browsers take.
func room(text string) (width float64) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(" .,:'|()-fijlrt", r):
			width += 0.38 * size
		case unicode.IsUpper(r) || strings.ContainsRune("mw×", r):
			width += 0.84 * size
		default:
			width += 0.64 * size
		}
	}
	return width
}
