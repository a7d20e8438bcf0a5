package admin

import (
	"math/bits"
	"time"
)

// histogram counts durations in classes that are at most a quarter wider than the shorter
// one, from 1 µs to four minutes.
type histogram [4 * 27]uint32

// classOf returns the index of the class of d.
func classOf(d time.Duration) int {
	us := uint64(max(d, 0)) / 1000
	if us < 4 {
		return int(us)
	}
	exponent := bits.Len64(us) - 1 // 2 or more
	class := 4*(exponent-1) + int(us>>(exponent-2)&3)
	return min(class, len(histogram{})-1)
}

// lowerBound returns the shortest duration of a class.
func lowerBound(class int) time.Duration {
	if class < 4 {
		return time.Duration(class) * time.Microsecond
	}
	exponent := class/4 + 1
	return time.Duration(4+class%4) << (exponent - 2) * time.Microsecond
}

func (h *histogram) add(d time.Duration) { h[classOf(d)]++ }

func (h *histogram) merge(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

func (h *histogram) count() (n uint64) {
	for _, c := range h {
		n += uint64(c)
	}
	return n
}

// quantile returns the duration that the part q of all durations does not exceed, to the
// precision of the classes. It is 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	total := h.count()
	if total == 0 {
		return 0
	}
	rank := uint64(q * float64(total-1))
	for class, n := range h {
		if rank < uint64(n) {
			low, high := lowerBound(class), lowerBound(class+1)
			return low + time.Duration(float64(high-low)*(float64(rank)+0.5)/float64(n))
		}
		rank -= uint64(n)
	}
	return 0
}
