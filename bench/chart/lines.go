package chart

import (
	"cmp"
	"fmt"
	"slices"
)

// Lines is a chart of panels with lines over a common logarithmic axis, with labels at their ends.
type Lines struct {
	Title, About string
	XTitle       string
	Tick         func(float64) string // of an x
	Panels       []LinePanel
}

// A LinePanel has lines of one unit.
type LinePanel struct {
	Title, About string
	FromZero     bool // linear from zero; else logarithmic
	Format, Tick func(float64) string
	Lines        []Line
}

// A Line has points from the left to the right.
type Line struct {
	Name   string
	Colour int // 0 to 2
	Dashes int // 0: none, 1, 2
	Points []Point
}

// A Point is a point of a line.
type Point struct{ X, Y float64 }

const (
	linesHeight = 250.0
	endGap      = 12.0 // between the end of a line and its label
	endLead     = 10.0 // more of it, where the label is moved
	labelHeight = 17.0
	tickHeight  = 36.0
)

// SVG draws the chart.
func (l Lines) SVG() []byte {
	var p picture
	top := p.heading(l.Title, l.About) + 12
	if l.Panels[0].Title == "" {
		top -= panelHead
	}
	columnWidth := (width - 2*margin + columnGap) / float64(len(l.Panels))
	for i, panel := range l.Panels {
		left := margin + float64(i)*columnWidth
		l.drawPanel(&p, panel, left, top, left+columnWidth-columnGap)
	}
	return p.finish(l.Title, top+panelHead+linesHeight+44)
}

func (l Lines) drawPanel(p *picture, panel LinePanel, left, top, right float64) {
	if panel.Title != "" {
		p.text(left, top+14, "panel strong", span{"", panel.Title}, span{"quiet", panel.About})
	}
	var xs, ys []float64
	for _, line := range panel.Lines {
		for _, at := range line.Points {
			xs, ys = append(xs, at.X), append(ys, at.Y)
		}
	}
	if len(xs) == 0 {
		return
	}
	upper, lower := top+panelHead+6, top+panelHead+linesHeight
	y := newLog(ys, lower, upper)
	if panel.FromZero {
		y = newLinear(ys, lower, upper)
	}
	ticks, names := 0.0, 0.0
	for _, tick := range y.ticks(tickHeight) {
		ticks = max(ticks, room(panel.Tick(tick)))
	}
	for _, line := range panel.Lines {
		names = max(names, endGap+endLead+room(line.label(panel.Format)))
	}
	x := newLog(xs, left+ticks+8, right-names)
	for _, tick := range y.ticks(tickHeight) {
		p.line(x.from, y.at(tick), x.to, y.at(tick), "grid")
		p.text(x.from-8, y.at(tick)+4, "tick end", span{"", panel.Tick(tick)})
	}
	for _, tick := range distinct(xs) {
		p.text(x.at(tick), lower+18, "tick middle", span{"", l.Tick(tick)})
	}
	p.text((x.from+x.to)/2, lower+37, "quiet middle", span{"", l.XTitle})
	for _, line := range panel.Lines {
		line.draw(p, x, y)
	}
	drawEnds(p, panel, x, y, lower)
}

func (line Line) label(format func(float64) string) string {
	return line.Name + " " + format(line.Points[len(line.Points)-1].Y)
}

func (line Line) draw(p *picture, x, y scale) {
	var points []Point
	for _, at := range line.Points {
		points = append(points, Point{x.at(at.X), y.at(at.Y)})
	}
	class := fmt.Sprintf("c%d", line.Colour)
	p.polyline(points, class+[...]string{"", " second", " third"}[line.Dashes])
	for _, at := range points {
		p.circle(at.X, at.Y, 4, class+[...]string{" full", " hollow", " hollow"}[line.Dashes])
	}
}

// drawEnds labels the ends of the lines, below each other where they are too close.
func drawEnds(p *picture, panel LinePanel, x, y scale, lower float64) {
	type end struct {
		line Line
		at   Point
		y    float64
	}
	var ends []end
	for _, line := range panel.Lines {
		last := line.Points[len(line.Points)-1]
		ends = append(ends, end{line, Point{x.at(last.X), y.at(last.Y)}, y.at(last.Y)})
	}
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	var heights []float64
	for _, e := range ends {
		heights = append(heights, e.y)
	}
	for i, height := range spread(heights, labelHeight, lower) {
		e := ends[i]
		text := e.at.X + endGap
		if height-e.y > 1 || e.y-height > 1 {
			text += endLead
			p.line(e.at.X+6, e.y, text-3, height, "leader")
		}
		p.text(text, height+4.5, fmt.Sprintf("strong c%d", e.line.Colour),
			span{"", e.line.Name}, span{"quiet", panel.Format(e.line.Points[len(e.line.Points)-1].Y)})
	}
}

// spread moves heights, which are in order, apart to the given distance, as little as it can, and
// not below the lowest.
func spread(heights []float64, distance, lowest float64) []float64 {
	type block struct {
		sum float64 // of the heights, without the distances
		n   int
	}
	var blocks []block
	top := func(b block) float64 { return b.sum/float64(b.n) - distance*float64(b.n-1)/2 }
	for _, height := range heights {
		blocks = append(blocks, block{height, 1})
		for len(blocks) > 1 {
			a, b := blocks[len(blocks)-2], blocks[len(blocks)-1]
			if top(a)+distance*float64(a.n) <= top(b) {
				break
			}
			blocks = append(blocks[:len(blocks)-2], block{a.sum + b.sum, a.n + b.n})
		}
	}
	var placed []float64
	for _, b := range blocks {
		for i := range b.n {
			placed = append(placed, top(b)+distance*float64(i))
		}
	}
	for i := len(placed) - 1; i >= 0; i-- {
		placed[i] = min(placed[i], lowest-distance*float64(len(placed)-1-i))
	}
	return placed
}

func distinct(values []float64) []float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}
