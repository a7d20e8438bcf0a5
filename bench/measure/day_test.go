package measure_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

var wholeDay = flag.Bool("day", false, "let TestDay simulate whole days and print the results as a benchmark does")
var dayVisits = flag.Int("day.visits", 1000, "visits")

// A day is the traffic of a shop.
type day struct {
	mix       mix
	broadcast bool
	instances int
	more      int // requests of a page beside the first that read the session
	stale     time.Duration
	visits    int
	length    time.Duration // in which the visits begin
}

func (d day) name() string {
	return fmt.Sprintf("Day/mix=%s/broadcast=%v/instances=%d/more=%d/stale=%s", d.mix.name, d.broadcast, d.instances, d.more, d.stale)
}

// simulate lets the customers walk through the shop, by the clock of a synctest bubble. It
// returns the number of pages.
func (d day) simulate(t *testing.T, s *shop) (pages int) {
	r := rand.New(rand.NewPCG(1, 2)) // every day has the same visits
	var group sync.WaitGroup
	each := make([]int, d.visits)
	for i, at := range arrivals(r, d.visits, d.length) {
		group.Go(func() {
			time.Sleep(at)
			each[i] = d.visit(s.customer(t, i))
		})
	}
	group.Wait()
	for _, n := range each {
		pages += n
	}
	return pages
}

func (d day) visit(c *customer) (pages int) {
	r := rand.New(rand.NewPCG(3, uint64(c.instance.Load())))
	ends := time.Now().Add(exponential(r, meanVisit, maxVisit))
	for pages == 0 || time.Now().Before(ends) {
		c.open(d.mix.next(r))
		var group sync.WaitGroup
		for range d.more {
			group.Go(func() { c.open(readPage) })
		}
		group.Wait()
		pages++
		time.Sleep(exponential(r, meanThink, maxThink))
	}
	return pages
}

func TestDay(t *testing.T) {
	for _, m := range mixes {
		for _, broadcast := range []bool{true, false} {
			for _, instances := range []int{2, 4} {
				for _, more := range []int{0, 4} {
					for _, stale := range []time.Duration{0, 5 * time.Second, time.Minute, 10 * time.Minute} {
						d := day{mix: m, broadcast: broadcast, instances: instances, more: more, stale: stale, visits: *dayVisits, length: 24 * time.Hour}
						t.Run(d.name(), func(t *testing.T) {
							began := time.Now()
							synctest.Test(t, func(t *testing.T) {
								s := newShop(t, d.instances, d.stale, d.broadcast)
								s.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
									time.Sleep(time.Millisecond)
									return next(ctx, id)
								}
								pages := d.simulate(t, s)
								st := s.store
								fmt.Printf("%s pages %d trips/page %.3f fetch %.3f save %.3f delete %.3f broadcast %.3f\n", d.name(), pages, float64(s.trips())/float64(pages),
									float64(st.Fetches.Load())/float64(pages), float64(st.Saves.Load())/float64(pages), float64(st.Deletes.Load())/float64(pages), float64(st.Broadcasts.Load())/float64(pages))
								fmt.Printf("   %+v\n", s.managers[0].ReadCacheStats())
								time.Sleep(5 * time.Minute)
							})
							t.Log(time.Since(began))
						})
					}
				}
			}
		}
	}
}
