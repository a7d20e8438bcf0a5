package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func format(x float64) string { return number(x) }

func TestChartsAreXML(t *testing.T) {
	line := Line{Name: "a < b", Points: []Point{{1, 1}, {10, 2}}}
	for name, svg := range map[string][]byte{
		"dots": Dots{Title: "T & T", Columns: 2, Format: format, Tick: format, Panels: []Panel{
			{Title: "one", Rows: []Row{{Name: "<us>", Kind: Ours, Value: 2}, {Name: "them", Value: 20, Note: "10×"}, {Name: "none"}}},
		}}.SVG(),
		"lines": Lines{Title: "T & T", Tick: format, Panels: []LinePanel{
			{Title: "one", Format: format, Tick: format, Lines: []Line{line, line}},
			{Title: "none", Format: format, Tick: format},
		}}.SVG(),
	} {
		for in := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			if _, err := in.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, svg)
			}
		}
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("%s has a coordinate that is no number\n%s", name, svg)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, test := range []struct{ heights, want []float64 }{
		{[]float64{10, 50}, []float64{10, 50}},
		{[]float64{40, 40}, []float64{35, 45}},
		{[]float64{40, 41, 42, 80}, []float64{31, 41, 51, 80}},
		{[]float64{99, 100}, []float64{90, 100}},
		{nil, nil},
	} {
		if got := spread(test.heights, 10, 100); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.heights, got, test.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		scale scale
		want  []float64
	}{
		{newLog([]float64{1, 10_000}, 0, 300), []float64{1, 10, 100, 1000, 10_000}},
		{newLog([]float64{1, 2}, 0, 300), []float64{1, 1.5, 2}},
		{newLinear([]float64{9}, 0, 300), []float64{0, 2, 4, 6, 8}},
	} {
		got := test.scale.ticks(50)
		if !slices.EqualFunc(got, test.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9*max(a, b, 1) }) {
			t.Errorf("%v: %v, want %v", test.scale, got, test.want)
		}
	}
}
