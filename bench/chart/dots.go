package chart

// Dots is a chart of panels on one logarithmic axis. Each row of a panel has a dot at its value,
// and a line from there to the value of the panel's own row: the longer, the greater the ratio.
type Dots struct {
	Title, About string
	Columns      int
	Format       func(float64) string // of a value
	Tick         func(float64) string // of a value at the axis
	Panels       []Panel
}

// A Panel is what is compared.
type Panel struct {
	Title, About string
	Rows         []Row
}

// A Row is one of the libraries that are compared.
type Row struct {
	Name  string
	Kind  Kind
	Value float64 // 0: none
	Note  string  // after the value
}

// A Kind is how a row is shown.
type Kind int

const (
	Other Kind = iota
	Ours
	Floor
)

var dotClass = map[Kind]string{Other: "dot", Ours: "ours-dot", Floor: "floor-dot"}

const (
	rowHeight    = 19.0
	panelHead    = 26.0
	panelGap     = 14.0
	axisHeight   = 24.0
	columnGap    = 24.0
	dotRadius    = 4.5
	labelGap     = 9.0 // between a dot and its label
	gridDistance = 28.0
	tickDistance = 44.0
)

// SVG draws the chart.
func (d Dots) SVG() []byte {
	var p picture
	top := p.heading(d.Title, d.About) + 12
	columnWidth := (width - 2*margin + columnGap) / float64(d.Columns)
	names, labels := d.roomForText()
	bottom := make([]float64, d.Columns)
	grids := make([]picture, d.Columns)
	marks := picture{}
	for column := range d.Columns {
		left := margin + float64(column)*columnWidth
		x := newLog(d.values(), left+names+10, left+columnWidth-columnGap-labels)
		y := top
		for i := column; i < len(d.Panels); i += d.Columns {
			height := panelHead + rowHeight*float64(len(d.Panels[i].Rows))
			for _, tick := range x.ticks(gridDistance) {
				grids[column].line(x.at(tick), y+panelHead-4, x.at(tick), y+height, "grid")
			}
			d.Panels[i].draw(&marks, x, left, y, names, d.Format)
			y += height + panelGap
		}
		for _, tick := range x.ticks(tickDistance) {
			marks.text(x.at(tick), y+2, "tick middle", span{"", d.Tick(tick)})
		}
		bottom[column] = y + axisHeight - 10
	}
	end := 0.0
	for column := range d.Columns {
		p.WriteString(grids[column].String())
		end = max(end, bottom[column])
	}
	p.WriteString(marks.String())
	return p.finish(d.Title, end)
}

func (panel Panel) draw(p *picture, x scale, left, top, names float64, format func(float64) string) {
	p.text(left, top+14, "panel strong", span{"", panel.Title}, span{"quiet", panel.About})
	origin := 0.0 // the x of the panel's own row
	for _, r := range panel.Rows {
		if r.Kind == Ours && r.Value > 0 {
			origin = x.at(r.Value)
		}
	}
	middle := func(i int) float64 { return top + panelHead + rowHeight*(float64(i)+0.5) }
	for i, r := range panel.Rows {
		if r.Value > 0 && origin > 0 {
			p.line(origin, middle(i), x.at(r.Value), middle(i), "distance")
		}
	}
	if origin > 0 {
		p.line(origin, middle(0), origin, middle(len(panel.Rows)-1)+rowHeight/2, "ours-line")
	}
	for i, r := range panel.Rows {
		y := middle(i)
		p.text(left+names, y+4.5, "end "+nameClass(r.Kind), span{"", r.Name})
		if r.Value <= 0 {
			p.text(max(origin, x.from)+labelGap, y+4.5, "value quiet", span{"", "–"})
			continue
		}
		at := x.at(r.Value)
		p.circle(at, y, dotRadius, dotClass[r.Kind])
		spans := []span{{"", format(r.Value)}}
		if r.Note != "" {
			spans = append(spans, span{"quiet", r.Note})
		}
		p.text(max(at+dotRadius, origin)+labelGap-3, y+4.5, "value "+nameClass(r.Kind), spans...)
	}
}

func nameClass(k Kind) string {
	if k == Ours {
		return "ours strong"
	}
	return "plain"
}

func (d Dots) values() (values []float64) {
	for _, panel := range d.Panels {
		for _, r := range panel.Rows {
			if r.Value > 0 {
				values = append(values, r.Value)
			}
		}
	}
	return values
}

// roomForText returns the width of the longest name and label.
func (d Dots) roomForText() (names, labels float64) {
	for _, panel := range d.Panels {
		for _, r := range panel.Rows {
			names = max(names, room(r.Name))
			labels = max(labels, labelGap+room(d.Format(r.Value)+" "+r.Note))
		}
	}
	return names, labels
}
