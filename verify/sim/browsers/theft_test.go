package browsers

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// theft is what became of a theft.
type theft struct {
	noticed bool
	after   time.Duration // how long after the theft
	further int           // requests that were served to browser or thief after that
}

// steal lets a thief copy the jar at some moment of the visits. Then both go on until the
// theft is noticed, or each has sent so many requests, over that time at least.
func (l *life) steal(requests int, least time.Duration) theft {
	sub := func() *rand.Rand { return rand.New(rand.NewPCG(l.Uint64(), l.Uint64())) }
	chance, rng := network{Rand: sub()}, sub()
	var visits sync.WaitGroup
	visits.Go(func() { l.visit() }) // takes numbers of l
	time.Sleep(chance.spread(time.Second, 2*time.Hour))
	thief := &visitor{name: "thief", server: l.server, jar: l.browser.jar.copied(rng), seen: l.browser.seen, rng: rng}
	pauses := [2]time.Duration{chance.spread(time.Second, 6*time.Hour), chance.spread(time.Second, 6*time.Hour)} // on average
	switch {
	case chance.often(0.03): // the thief is first whenever an index may be issued
		thief.loss, thief.fast = 1, true
		pauses = [2]time.Duration{chance.spread(5*time.Minute, 30*time.Minute), 4 * time.Second}
		l.browser.seen.add("a thief who polls and takes no cookies")
	case chance.often(0.3):
		thief.loss = 1
		l.browser.seen.add("a thief who takes no cookies")
	}
	stolen := time.Now()
	visits.Wait()

	l.browser.loss = 0
	var (
		both sync.WaitGroup
		sent [2]atomic.Int32
	)
	goOn := func() bool {
		enough := int(min(sent[0].Load(), sent[1].Load())) >= requests && time.Since(stolen) >= least
		return l.server.noticed() == 0 && !enough
	}
	for i, v := range []*visitor{&l.browser, thief} {
		pause, n := pauses[i], v.network()
		both.Go(func() {
			for goOn() {
				v.send(n, n.kind())
				sent[i].Add(1)
				time.Sleep(n.spread(pause/10, 2*pause))
			}
		})
	}
	both.Wait()
	result := theft{noticed: l.server.noticed() == 1, after: time.Since(stolen)}
	before, _ := l.browser.outcome()
	beforeThief, _ := thief.outcome()
	time.Sleep(time.Minute)
	for _, v := range []*visitor{&l.browser, thief} {
		v.send(v.network(), read)
	}
	after, _ := l.browser.outcome()
	afterThief, _ := thief.outcome()
	result.further = after - before + afterThief - beforeThief
	return result
}
