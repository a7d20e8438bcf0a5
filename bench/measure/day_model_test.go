package measure_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The model of a day is the customer of TPC-W, a book shop (TPC Benchmark W, specification
// 1.8, 2002): the pages, their shares in three mixes, the time that a customer thinks after a
// page, and how long a visit lasts. TPC-W goes from page to page by tables of transitions,
// whose shares in the long run are these. Here each page is drawn by itself.

// A pageKind is what a page does with the session.
type pageKind int

const (
	readPage   pageKind = iota // shows the cart and the customer
	cartPage                   // puts an item into the cart
	signInPage                 // signs the customer in, if that has not happened yet
	orderPage                  // empties the cart
)

// An interaction is a page of TPC-W, with its share of each mix in percent.
type interaction struct {
	name                         string
	browsing, shopping, ordering float64
	kind                         pageKind
}

var interactions = []interaction{
	{"Home", 29.00, 16.00, 9.12, readPage},
	{"New Products", 11.00, 5.00, 0.46, readPage},
	{"Best Sellers", 11.00, 5.00, 0.46, readPage},
	{"Product Detail", 21.00, 17.00, 12.35, readPage},
	{"Search Request", 12.00, 20.00, 14.53, readPage},
	{"Search Results", 11.00, 17.00, 13.08, readPage},
	{"Shopping Cart", 2.00, 11.60, 13.53, cartPage},
	{"Customer Registration", 0.82, 3.00, 12.86, readPage},
	{"Buy Request", 0.75, 2.60, 12.73, signInPage},
	{"Buy Confirm", 0.69, 1.20, 10.18, orderPage},
	{"Order Inquiry", 0.30, 0.75, 0.25, readPage},
	{"Order Display", 0.25, 0.66, 0.22, readPage},
	{"Admin Request", 0.10, 0.10, 0.12, readPage},
	{"Admin Confirm", 0.09, 0.09, 0.11, readPage},
}

// A mix is a mix of TPC-W.
type mix struct {
	name  string
	share func(interaction) float64
}

var (
	browsingMix = mix{"browsing", func(i interaction) float64 { return i.browsing }}
	shoppingMix = mix{"shopping", func(i interaction) float64 { return i.shopping }}
	orderingMix = mix{"ordering", func(i interaction) float64 { return i.ordering }}

	mixes = []mix{browsingMix, shoppingMix, orderingMix}
)

// next draws a page.
func (m mix) next(r *rand.Rand) pageKind {
	left := 100 * r.Float64()
	for _, i := range interactions {
		if left -= m.share(i); left < 0 {
			return i.kind
		}
	}
	return readPage
}

const (
	meanThink, maxThink = 7 * time.Second, 70 * time.Second
	meanVisit, maxVisit = 15 * time.Minute, time.Hour
)

// exponential draws a time of a negative exponential distribution that is cut off.
func exponential(r *rand.Rand, mean, most time.Duration) time.Duration {
	return min(most, time.Duration(r.ExpFloat64()*float64(mean)))
}

// arrivalTime draws when a visit begins: most of them at 16 o'clock, and one ninth as many at
// 4 o'clock. TPC-W has the same number all the time.
func arrivalTime(r *rand.Rand, day time.Duration) time.Duration {
	for {
		at := r.Float64()
		if r.Float64() < 0.5-0.4*math.Cos(2*math.Pi*(at-4.0/24)) {
			return time.Duration(at * float64(day))
		}
	}
}

// TestMixes compares the mixes with the sums that TPC-W states for them.
func TestMixes(t *testing.T) {
	const draws = 200_000
	r := rand.New(rand.NewPCG(1, 2))
	for _, want := range []struct {
		mix            mix
		browse         float64 // percent: the first six interactions
		reads, changes float64 // percent
	}{
		{browsingMix, 95, 96.56, 3.44},
		{shoppingMix, 80, 84.60, 15.40},
		{orderingMix, 50, 63.56, 36.44},
	} {
		browse, all := 0.0, 0.0
		for n, i := range interactions {
			if all += want.mix.share(i); n < 6 {
				browse += want.mix.share(i)
			}
		}
		if math.Abs(all-100) > 0.001 || math.Abs(browse-want.browse) > 0.001 {
			t.Errorf("%s: %.2f %% in all, %.2f %% browse", want.mix.name, all, browse)
		}
		count := map[pageKind]float64{}
		for range draws {
			count[want.mix.next(r)] += 100.0 / draws
		}
		changes := count[cartPage] + count[signInPage] + count[orderPage]
		if math.Abs(changes-want.changes) > 0.5 || math.Abs(count[readPage]-want.reads) > 0.5 {
			t.Errorf("%s: %.2f %% change the session, want %.2f %%", want.mix.name, changes, want.changes)
		}
	}
}

func TestTimesOfVisits(t *testing.T) {
	const draws = 200_000
	r := rand.New(rand.NewPCG(1, 2))
	var sum, longest time.Duration
	byHour := [24]int{}
	for range draws {
		think := exponential(r, meanThink, maxThink)
		sum, longest = sum+think, max(longest, think)
		byHour[int(arrivalTime(r, 24*time.Hour)/time.Hour)]++
	}
	if mean := sum / draws; (mean-meanThink).Abs() > meanThink/50 || longest != maxThink {
		t.Errorf("a customer thinks for %v, at most %v", mean, longest)
	}
	if ratio := float64(byHour[16]) / float64(byHour[4]); ratio < 7 || ratio > 11 {
		t.Errorf("at 16 o'clock come %.1f times as many as at 4 o'clock", ratio)
	}
}
