package measure_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var wholeDays = flag.Bool("days", false, "let TestDay simulate whole days and print the trips to the store, in the format of benchmarks")

// A day is the traffic of a shop, and how the shop is set up.
type day struct {
	mix       mix
	more      int // requests that a page sends beside the first one, all of which read the session
	broadcast bool
	instances int
	stale     time.Duration // MaxStale; 0: no copies
	visits    int
	length    time.Duration // in which the visits begin
}

func (d day) String() string {
	return fmt.Sprintf("mix=%s/requests=%d/broadcast=%v/instances=%d/stale=%s", d.mix.name, 1+d.more, d.broadcast, d.instances, d.stale)
}

// moreRequests is the number of requests of a page beside its first one, for a page that
// shows the cart, the account and recommendations by requests of their own.
const moreRequests = 4

// days returns the days that performance.md shows.
func days() (all []day) {
	for _, more := range []int{0, moreRequests} {
		d := day{more: more, broadcast: true, instances: 2, visits: 150, length: 24 * time.Hour}
		for _, d.mix = range mixes {
			for _, d.stale = range []time.Duration{0, 5 * time.Second, 20 * time.Second, time.Minute, 10 * time.Minute} {
				all = append(all, d)
			}
		}
		d.mix = shoppingMix
		for _, d.stale = range []time.Duration{0, time.Minute} {
			d.instances = 4
			all = append(all, d)
		}
		for _, d.stale = range []time.Duration{0, 5 * time.Second} {
			d.instances, d.broadcast = 2, false
			all = append(all, d)
		}
	}
	return all
}

// TestDay simulates the traffic of a shop by the clock of a synctest bubble. Each page has to
// show all that its browser has done before.
func TestDay(t *testing.T) {
	if *wholeDays {
		for _, d := range days() {
			fmt.Printf("BenchmarkDay/%v 1 %v\n", d, d.run(t))
		}
		return
	}
	for _, broadcast := range []bool{true, false} {
		d := day{mix: shoppingMix, more: moreRequests, broadcast: broadcast, instances: 2, visits: 20, length: 10 * time.Minute}
		without := d.run(t)
		d.stale = time.Minute
		with := d.run(t)
		if with.trips > without.trips/4 || with.trips < with.misses() {
			t.Errorf("%v: %v; without copies: %v", d, with, without)
		}
		if without.misses() > 0 || without.hits > 0 {
			t.Errorf("there are copies without ReadCache: %v", without)
		}
		if reads := with.hits + with.misses(); reads < 3*with.pages {
			t.Errorf("%d pages have read the session %d times", with.pages, reads)
		}
	}
}

// run simulates the day in a bubble.
func (d day) run(t *testing.T) (counted dayCount) {
	t.Helper()
	t.Run(d.String(), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, d)
			pages := d.simulate(t, s)
			counted = s.count(pages)
			time.Sleep(5 * time.Minute) // instances that serve nobody stop to listen
		})
	})
	return counted
}

// simulate lets the customers walk through the shop, and returns the number of pages. Every
// day has the same visits.
func (d day) simulate(t *testing.T, s *shop) (pages int) {
	arrival := rand.New(rand.NewPCG(1, 2))
	each := make([]int, d.visits)
	var visits sync.WaitGroup
	for i := range each {
		begin := arrivalTime(arrival, d.length)
		visits.Go(func() {
			time.Sleep(begin)
			each[i] = d.visit(s.customer(t, i), rand.New(rand.NewPCG(3, uint64(i))))
		})
	}
	visits.Wait()
	for _, n := range each {
		pages += n
	}
	return pages
}

// visit opens pages until the visit ends, and returns their number.
func (d day) visit(c *customer, r *rand.Rand) (pages int) {
	end := time.Now().Add(exponential(r, meanVisit, maxVisit))
	for pages == 0 || time.Now().Before(end) {
		c.open(d.mix.next(r))
		var requests sync.WaitGroup
		for range d.more {
			requests.Go(func() { c.open(readPage) })
		}
		requests.Wait()
		pages++
		time.Sleep(exponential(r, meanThink, maxThink))
	}
	return pages
}

// A dayCount is what a day has counted: the trips to the store, and the requests that have
// asked for a copy, by result.
type dayCount struct {
	pages, trips                        int64
	hits, absent, stale, outdated, deaf int64
}

// misses returns the reads of the store by requests for which there was no copy.
func (c dayCount) misses() int64 { return c.absent + c.stale + c.outdated + c.deaf }

// String returns the count as values of a benchmark.
func (c dayCount) String() string {
	per := func(n int64) float64 { return float64(n) / float64(c.pages) }
	return fmt.Sprintf("%d pages %.4f trips/page %.4f first-reads/page %.4f after-changes/page %.4f too-old/page %.4f rest/page",
		c.pages, per(c.trips), per(c.absent+c.deaf), per(c.outdated), per(c.stale), per(c.trips-c.misses()))
}

func (s *shop) count(pages int) dayCount {
	c := dayCount{pages: int64(pages), trips: s.store.Trips() + s.store.Broadcasts.Load()}
	for _, m := range s.managers {
		st := m.ReadCacheStats()
		c.hits += st.Hits
		c.absent += st.Absent
		c.stale += st.Stale
		c.outdated += st.Outdated
		c.deaf += st.Deaf
	}
	return c
}

func TestDayCountIsSplit(t *testing.T) {
	c := dayCount{pages: 2, trips: 30, hits: 100, absent: 2, stale: 4, outdated: 6, deaf: 8}
	const want = "2 pages 15.0000 trips/page 5.0000 first-reads/page 3.0000 after-changes/page 2.0000 too-old/page 5.0000 rest/page"
	if got := c.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestOldPagesAreFound gives the customers a browser that does not keep the cookie of the
// version, so that a page shows what was in the cart before.
func TestOldPagesAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, day{instances: 2, stale: time.Minute})
		seen := &failures{TB: t}
		c := s.customer(seen, 0)
		for _, kind := range []pageKind{cartPage, readPage, readPage} { // each instance has a copy
			c.open(kind)
		}
		if seen.count > 0 {
			t.Errorf("%d pages are wrong", seen.count)
		}
		c.open(cartPage)
		c.forget("session-version")
		c.open(readPage)
		if seen.count != 1 {
			t.Errorf("%d pages are wrong, want 1", seen.count)
		}
	})
}
