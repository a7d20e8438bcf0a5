package measure_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// crowdEach is the number of visitors that ask for each route, and pause is between the
// requests of a visitor, so that the machine has time for a job beside them.
const (
	crowdEach = 4
	pause     = 4 * time.Millisecond
)

// A crowd are visitors who go on asking while something happens.
type crowd struct {
	stopped chan struct{}
	wg      sync.WaitGroup

	mu      sync.Mutex
	answers map[string][]answer // by route
}

func gather(s *site) *crowd {
	c := &crowd{stopped: make(chan struct{}), answers: map[string][]answer{}}
	for _, route := range []string{"read", "change"} {
		for range crowdEach {
			c.wg.Go(func() { c.visit(s, route) })
		}
	}
	return c
}

func (c *crowd) visit(s *site, route string) {
	for {
		select {
		case <-c.stopped:
			return
		case <-time.After(pause):
		}
		a := ask(s.handler, "/"+route, s.randomCookie(), "")
		c.mu.Lock()
		c.answers[route] = append(c.answers[route], a)
		c.mu.Unlock()
	}
}

// between returns how long the requests took that were under way at some time from begin to
// end, and fails the test if one of them failed.
func (c *crowd) between(t *testing.T, route string, begin, end time.Time) (took latencies) {
	t.Helper()
	for _, a := range c.answers[route] {
		if a.end.Before(begin) || a.start.After(end) {
			continue
		}
		if a.status != http.StatusOK {
			t.Errorf("%s: status %d", route, a.status)
		}
		took = append(took, a.took())
	}
	return took
}

// beforeJob is how long visitors ask before a job begins.
func beforeJob() time.Duration { return 4 * *period }

// measureJob runs a job while visitors ask, and measures what they notice of it. The figures
// of the job are added to those that it returns.
func measureJob(t *testing.T, r *results, name string, s *site, job func() (figures, error)) {
	t.Helper()
	measureJobAt(t, r, name, s, time.Now().Add(beforeJob()), job)
}

// measureJobAt is measureJob for a job that begins at some time.
func measureJobAt(t *testing.T, r *results, name string, s *site, at time.Time, job func() (figures, error)) {
	t.Helper()
	r.begin(name, 1)
	c := gather(s)
	start := time.Now()
	time.Sleep(time.Until(at))
	begin := time.Now()
	found, err := job()
	end := time.Now()
	time.Sleep(*period)
	close(c.stopped)
	c.wg.Wait()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if found == nil {
		found = figures{}
	}
	found["sec"] = end.Sub(begin).Seconds()
	r.note("Job", "/job="+name, found)
	for _, route := range []string{"read", "change"} {
		r.note("Beside", "/job="+name+"/route="+route+"/phase=before", c.between(t, route, start, begin).figures())
		r.note("Beside", "/job="+name+"/route="+route+"/phase=during", c.between(t, route, begin, end).figures())
	}
}
