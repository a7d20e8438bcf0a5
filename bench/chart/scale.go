package chart

import "math"

// A scale maps values to coordinates.
type scale struct {
	low, high float64 // values
	from, to  float64 // coordinates
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	return s.from + (s.to-s.from)*(v-low)/(high-low)
}

// newLog returns a logarithmic scale with room for all values.
func newLog(values []float64, from, to float64) scale {
	s := scale{low: math.Inf(1), high: math.Inf(-1), from: from, to: to, log: true}
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	s.low /= 1.15
	s.high *= 1.15
	return s
}

// newLinear returns a linear scale from zero.
func newLinear(values []float64, from, to float64) scale {
	s := scale{from: from, to: to}
	for _, v := range values {
		s.high = max(s.high, 1.1*v)
	}
	return s
}

// ticks returns round values within a scale, at least gap apart.
func (s scale) ticks(gap float64) []float64 {
	for _, steps := range s.candidates() {
		if s.far(steps, gap) {
			return steps
		}
	}
	return nil
}

// candidates returns the possible ticks, the closest first.
func (s scale) candidates() (all [][]float64) {
	if !s.log {
		for exponent := -9; exponent < 12; exponent++ {
			for _, step := range []float64{1, 2, 5} {
				step *= math.Pow10(exponent)
				if s.high/step > 20 {
					continue
				}
				var ticks []float64
				for i := 0; float64(i)*step <= s.high; i++ {
					ticks = append(ticks, float64(i)*step)
				}
				all = append(all, ticks)
			}
		}
		return all
	}
	for _, steps := range [][]float64{{1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1}} {
		for every := 1; every <= 3; every++ {
			if len(steps) > 1 && every > 1 {
				continue
			}
			var ticks []float64
			for exponent := -12; exponent <= 12; exponent++ {
				if (exponent+12)%every != 0 {
					continue
				}
				for _, step := range steps {
					if v := step * math.Pow10(exponent); v >= s.low && v <= s.high {
						ticks = append(ticks, v)
					}
				}
			}
			all = append(all, ticks)
		}
	}
	return all
}

// far reports whether the ticks are far enough from each other.
func (s scale) far(ticks []float64, gap float64) bool {
	for i := 1; i < len(ticks); i++ {
		if math.Abs(s.at(ticks[i])-s.at(ticks[i-1])) < gap {
			return false
		}
	}
	return true
}
