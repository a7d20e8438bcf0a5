package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	chartWidth  = 8 * vg.Inch
	chartHeight = 3.6 * vg.Inch
)

// palette is the palette of Okabe and Ito, which colour-blind people can distinguish.
// Holdfast has the first colour.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff},
	color.RGBA{0xe6, 0x9f, 0x00, 0xff},
	color.RGBA{0x99, 0x99, 0x99, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff},
	color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xd5, 0x5e, 0x00, 0xff},
}

func init() { plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"} }

// drawCharts draws all charts of the page into a folder.
func drawCharts(f *results, folder string) error {
	charts := []struct {
		name  string
		shows string // the benchmarks
		plot  func() (*plot.Plot, error)
	}{
		{"requests-memory", "Request/store=memory", func() (*plot.Plot, error) { return f.requestChart("memory", "In process") }},
		{"requests-redis", "Request/store=redis", func() (*plot.Plot, error) { return f.requestChart("redis", "Redis") }},
		{"requests-postgres", "Request/store=postgres", func() (*plot.Plot, error) { return f.requestChart("postgres", "PostgreSQL") }},
		{"sessions", "Sessions", f.sessionChart},
		{"keys", "Keys", f.keyChart},
		{"writers", "Writers", f.writerChart},
		{"server", "Server", f.serverChart},
	}
	for _, c := range charts {
		if !slices.ContainsFunc(f.rows, func(r row) bool { return strings.HasPrefix(r.name, c.shows) }) {
			continue
		}
		p, err := c.plot()
		if err == nil {
			err = save(p, filepath.Join(folder, c.name+".svg"))
		}
		if err != nil {
			return fmt.Errorf("%s.svg: %w", c.name, err)
		}
	}
	return nil
}

func save(p *plot.Plot, file string) error {
	canvas := vgsvg.New(chartWidth, chartHeight)
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	// Few browsers have the font, and many replace it by one with serifs.
	svg := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(file, svg, 0o644)
}

// newChart returns an empty chart whose vertical axis begins at zero.
func newChart(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(8)
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(2)
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = color.Gray{0xdd}
	p.Add(grid)
	return p
}

func (f *results) requestChart(store, title string) (*plot.Plot, error) {
	p := newChart(title+": time of a request", "", "µs")
	return p, addBars(p, f.scenarios(store), f.peers(store), func(scenario, peer string) float64 {
		v, _ := f.median(request(store, scenario, peer), "sec/op")
		return v * 1e6
	})
}

func (f *results) serverChart() (*plot.Plot, error) {
	p := newChart("Whole server under load: its CPU time for a request", "", "µs")
	peers := f.labels("Server/scenario=read", "peer")
	peers = append(slices.DeleteFunc(peers, isFloor), "floor")
	return p, addBars(p, f.labels("Server", "scenario"), peers, func(scenario, peer string) float64 {
		v, _ := f.median(serverName(scenario, peer), "cpu-sec/req")
		return v * 1e6
	})
}

// addBars adds a group of bars for each scenario.
func addBars(p *plot.Plot, scenarios, peers []string, height func(scenario, peer string) float64) error {
	width := vg.Points(440) / vg.Length(len(scenarios)*len(peers)+1)
	for i, peer := range peers {
		values := make(plotter.Values, len(scenarios))
		for j, scenario := range scenarios {
			values[j] = height(scenario, peer)
		}
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return err
		}
		bars.Color = palette[i%len(palette)]
		bars.LineStyle.Width = 0
		bars.Offset = width * (vg.Length(i) - vg.Length(len(peers)-1)/2)
		p.Add(bars)
		p.Legend.Add(peer, bars)
	}
	p.NominalX(scenarios...)
	return nil
}

// A curve is a line of a chart over the n of the benchmarks.
type curve struct {
	name   string
	dashed bool
	point  func(n string) (float64, bool)
}

func addCurves(p *plot.Plot, ns []string, curves []curve) error {
	for i, c := range curves {
		var points plotter.XYs
		for _, n := range ns {
			x, err := strconv.ParseFloat(n, 64)
			if err != nil {
				return err
			}
			if y, ok := c.point(n); ok {
				points = append(points, plotter.XY{X: x, Y: y})
			}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Width = vg.Points(2)
		line.Color = palette[i/2%len(palette)]
		dots.Color, dots.Shape = line.Color, draw.CircleGlyph{}
		if c.dashed {
			line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
		}
		p.Add(line, dots)
		p.Legend.Add(c.name, line)
	}
	return nil
}

func logarithmic(p *plot.Plot, axes ...*plot.Axis) {
	for _, axis := range axes {
		axis.Scale = plot.LogScale{}
		axis.Tick.Marker = plainTicks{}
	}
}

// plainTicks are ticks of a logarithmic axis, with labels like 1000000.
type plainTicks struct{}

func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.LogTicks{Prec: -1}.Ticks(low, high)
	for i, tick := range ticks {
		if tick.Label != "" {
			ticks[i].Label = strconv.FormatFloat(tick.Value, 'f', -1, 64)
		}
	}
	return ticks
}

func (f *results) sessionChart() (*plot.Plot, error) {
	p := newChart("Time of a request by number of sessions, in process", "sessions in the memory store", "µs")
	p.Legend.Top = false
	logarithmic(p, &p.X)
	at := func(scenario string) func(string) (float64, bool) {
		return func(n string) (float64, bool) {
			v, ok := f.median(sessionsName(n, scenario), "sec/op")
			return v * 1e6, ok
		}
	}
	return p, addCurves(p, f.labels("Sessions", "n"), []curve{
		{"Holdfast, change", false, at("change")},
		{"Holdfast, read", true, at("read")},
	})
}

func (f *results) keyChart() (*plot.Plot, error) {
	p := newChart("Time of a request by number of keys in the session, in process", "keys", "µs")
	p.Y.Min = 1
	logarithmic(p, &p.X, &p.Y)
	at := func(scenario, peer string) func(string) (float64, bool) {
		return func(n string) (float64, bool) {
			v, ok := f.median(keysName(n, scenario, peer), "sec/op")
			return v * 1e6, ok
		}
	}
	return p, addCurves(p, f.labels("Keys", "n"), []curve{
		{"Holdfast, change", false, at("change", ours)},
		{"Holdfast, read", true, at("read", ours)},
		{"scs, change", false, at("change", "scs")},
		{"scs, read", true, at("read", "scs")},
	})
}

func (f *results) writerChart() (*plot.Plot, error) {
	p := newChart("Requests at once that change one counter, one instance", "requests at once", "times")
	p.Legend.Top, p.Legend.Left = false, false // below one there is nothing
	logarithmic(p, &p.X)
	var curves []curve
	for _, store := range f.labels("Writers", "store") {
		curves = append(curves, curve{store + ": saves for each request", false, func(n string) (float64, bool) {
			return f.median(writersName(store, "1", n), "saves/success")
		}}, curve{store + ": time, against a series", true, func(n string) (float64, bool) {
			return f.against(writersName(store, "1", n))
		}})
	}
	return p, addCurves(p, f.labels("Writers/store=memory/instances=1", "n"), curves)
}
