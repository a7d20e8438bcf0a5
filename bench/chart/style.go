package chart

import (
	"fmt"
	"strings"
)

// shapes is what the classes have in common in light and dark. The background is drawn, so that
// the text has its contrast also on a page that does not tell whether it is light or dark.
const shapes = `text{font:12.5px Helvetica,Arial,"Liberation Sans",sans-serif}
.title{font-size:17px;font-weight:bold}
.panel{font-size:14px}
.panel .quiet{font-size:12.5px}
.strong{font-weight:bold}
.quiet{font-weight:normal}
.end{text-anchor:end}
.middle{text-anchor:middle}
.tick{font-size:11.5px}
.value{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
polyline{fill:none;stroke-width:2.5;stroke-linejoin:round}
.distance{stroke-width:2}
.ours-line{stroke-width:1.5}
.floor-dot,.hollow{stroke-width:2}
.second{stroke-dasharray:7 4}
.third{stroke-dasharray:2 4;stroke-linecap:round}
`

// A colour is that of a property of some classes. In light and dark, text has a contrast of at
// least 4.5 with the background. The hues are those of Okabe and Ito, which colour-blind people
// can distinguish. No chart depends on them.
type colour struct{ selector, property, light, dark string }

var colours = []colour{
	{".background", "fill", "#ffffff", "#0d1117"},
	{"text", "fill", "#1f2328", "#f0f6fc"},
	{".quiet,.tick", "fill", "#59636e", "#9198a1"},
	{".value", "stroke", "#ffffff", "#0d1117"},
	{".grid", "stroke", "#e4e8ec", "#232a33"},
	{".distance", "stroke", "#afb8c1", "#4d5661"},
	{".leader", "stroke", "#afb8c1", "#4d5661"},
	{".dot", "fill", "#6e7781", "#9198a1"},
	{".floor-dot", "fill", "#ffffff", "#0d1117"},
	{".floor-dot", "stroke", "#6e7781", "#9198a1"},
	{".ours-line", "stroke", "#0072b2", "#56b4e9"},
	{".ours-dot,.ours", "fill", "#0072b2", "#56b4e9"},
	{".hollow", "fill", "#ffffff", "#0d1117"},
	{".c0", "stroke", "#0072b2", "#56b4e9"},
	{".c1", "stroke", "#a84300", "#e69f00"},
	{".c2", "stroke", "#00704f", "#2cc295"},
	{"text.c0,.c0.full", "fill", "#0072b2", "#56b4e9"},
	{"text.c1,.c1.full", "fill", "#a84300", "#e69f00"},
	{"text.c2,.c2.full", "fill", "#00704f", "#2cc295"},
}

// style returns the style sheet. It has no variables, which not all programs that show an SVG
// know.
func style() string {
	var b strings.Builder
	b.WriteString(shapes)
	for _, c := range colours {
		fmt.Fprintf(&b, "%s{%s:%s}\n", c.selector, c.property, c.light)
	}
	b.WriteString("text.c0,text.c1,text.c2{stroke:none}\n@media (prefers-color-scheme:dark){\n")
	for _, c := range colours {
		fmt.Fprintf(&b, "%s{%s:%s}\n", c.selector, c.property, c.dark)
	}
	b.WriteString("text.c0,text.c1,text.c2{stroke:none}\n}\n")
	return b.String()
}
