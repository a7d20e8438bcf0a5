package browsers

import (
	"math/rand/v2"
	"sync"
	"time"
)

// life is the life of one browser.
type life struct {
	network // of what the user does
	browser visitor
	server  *server
}

// begin opens a browser, and signs its user in. The cookie is on the disk afterwards.
func begin(seed uint64, flush time.Duration, seen *sights) *life {
	rng := rand.New(rand.NewPCG(seed, 0x707a7e))
	sub := func() *rand.Rand { return rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())) }
	l := &life{network: network{Rand: rng}}
	l.server = newServer(sub(), options{
		interval: 5*time.Minute + time.Duration(rng.Int64N(int64(10*time.Minute))),
		copies:   l.often(0.25),
	}, seen)
	l.browser = visitor{name: "browser", server: l.server, jar: newJar(sub()), seen: seen, rng: sub()}
	l.browser.jar.flushTime = flush
	for !l.browser.send(l.browser.network(), login) {
	}
	time.Sleep(flush)
	l.server.failing.Store(l.often(0.5))
	l.browser.loss = []float64{0, 0.02, 0.2}[l.IntN(3)]
	return l
}

// live lets the user visit the application several times in hours to days.
func (l *life) live() {
	for range 2 + l.IntN(5) {
		l.visit()
		time.Sleep(l.spread(5*time.Second, 4*24*time.Hour))
	}
}

// visit lets the user open some tabs, and crashes or closes the browser in some visits.
func (l *life) visit() {
	var tabs sync.WaitGroup
	for range 1 + l.IntN(3) {
		l.open(&tabs)
	}
	switch l.IntN(4) {
	case 0:
		time.Sleep(l.spread(time.Second, time.Hour))
		l.crash(&tabs)
	case 1:
		l.crashAfterRotation(&tabs)
	case 2:
		time.Sleep(l.spread(time.Second, time.Hour))
		l.browser.jar.closeBrowser()
		l.restore(&tabs)
	}
	tabs.Wait()
}

// open opens a tab, which sends requests with pauses in which the user reads.
func (l *life) open(tabs *sync.WaitGroup) {
	n, requests := l.browser.network(), 2+l.IntN(10)
	tabs.Go(func() {
		for range requests {
			l.browser.send(n, n.kind())
			time.Sleep(n.spread(100*time.Millisecond, 20*time.Minute))
		}
	})
}

// restore opens the tabs again after a restart, all at once.
func (l *life) restore(tabs *sync.WaitGroup) {
	for range 1 + l.IntN(4) {
		l.open(tabs)
	}
}

// crash crashes the browser, and starts it again.
func (l *life) crash(tabs *sync.WaitGroup) {
	if l.browser.jar.crash() {
		l.browser.seen.add("a crash takes a cookie back")
	}
	if l.often(0.5) {
		time.Sleep(l.spread(time.Second, 10*time.Minute))
	}
	l.restore(tabs)
}

// crashAfterRotation crashes the browser within seconds after it has got another cookie.
func (l *life) crashAfterRotation(tabs *sync.WaitGroup) {
	select {
	case <-l.browser.jar.rotation():
		if l.often(0.5) { // a request with the new cookie, which is still being served after the crash
			n := l.browser.network()
			tabs.Go(func() { l.browser.sendJob(n, job{read, n.spread(time.Minute, 30*time.Minute)}) })
		}
		time.Sleep(l.spread(10*time.Millisecond, flushTime))
		l.crash(tabs)
	case <-time.After(time.Hour):
	}
}
