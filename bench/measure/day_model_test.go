package measure_test

import (
	"math"
	"math/rand/v2"
	"time"
)

// The model of a day is that of the benchmark TPC-W (specification 1.8, 2002), a book shop: which
// pages are requested, the time that a customer thinks between two pages, and how long a visit
// lasts. The specification has three mixes of pages.

// A pageKind is what a page does with the session.
type pageKind int

const (
	readPage   pageKind = iota // shows the cart
	cartPage                   // puts an item into the cart
	signInPage                 // signs the customer in, if that has not happened yet
	orderPage                  // empties the cart
	pageKinds
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

var mixes = []mix{
	{"browsing", func(i interaction) float64 { return i.browsing }},
	{"shopping", func(i interaction) float64 { return i.shopping }},
	{"ordering", func(i interaction) float64 { return i.ordering }},
}

// next draws a page.
func (m mix) next(r *rand.Rand) pageKind {
	at := 100 * r.Float64()
	for _, i := range interactions {
		if at -= m.share(i); at < 0 {
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

// arrivals draws when n visits begin within a day: at the peak, in the evening, nine times as
// many as in the night. TPC-W says nothing about it.
func arrivals(r *rand.Rand, n int, day time.Duration) []time.Duration {
	var at []time.Duration
	for len(at) < n {
		x := r.Float64()
		if r.Float64() < 0.5-0.4*math.Cos(2*math.Pi*(x-5.0/6+0.5)) {
			at = append(at, time.Duration(x*float64(day)))
		}
	}
	return at
}
