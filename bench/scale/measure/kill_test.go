package measure_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// keepers are visitors who keep count of their own changes. There are many, so that each
// server of a cluster has some, and their pause leaves time for the servers.
const (
	keepers     = 30
	keeperPause = 20 * time.Millisecond
)

// recoveryLimit is a bound against hanging.
const recoveryLimit = 3 * time.Minute

// A keeper changes a session of its own, and finds out what became of each change.
type keeper struct {
	site   *site
	cookie string
	count  int // that was answered last
	open   int // changes since, of which it is not known whether they were saved

	mu       sync.Mutex
	good     time.Time // when the last good answer's request was sent
	firstBad time.Time // when the request of the first other answer was sent
	bad      time.Time // when the last one came
	failed   int       // answers that nothing was saved
	unknown  int       // answers that it is unknown
	lost     int       // changes that were acknowledged, and are gone
	repeated int       // changes that were counted twice
}

func newKeeper(t *testing.T, s *site) *keeper {
	a := ask(s.handler, "/begin", "", "")
	if a.status != http.StatusOK {
		t.Fatalf("a session was not begun: status %d", a.status)
	}
	return &keeper{site: s, cookie: a.cookie, count: 1}
}

func (k *keeper) goOn(stopped <-chan struct{}) {
	for {
		select {
		case <-stopped:
			return
		case <-time.After(keeperPause):
			k.change()
		}
	}
}

func (k *keeper) change() {
	a := ask(k.site.handler, "/change", k.cookie, "")
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cookie = a.cookie
	if a.status != http.StatusOK {
		k.bad = a.end
		if k.failed+k.unknown == 0 {
			k.firstBad = a.start
		}
		k.open++
		if a.status == statusUnknown {
			k.unknown++
		} else {
			k.failed++
		}
		return
	}
	n, _ := strconv.Atoi(a.body)
	k.lost += max(0, k.count+1-n)
	k.repeated += max(0, n-(k.count+k.open+1))
	k.count, k.open, k.good = n, 0, a.start
}

// lastGood returns when the keeper has sent the last request that was answered well.
func (k *keeper) lastGood() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.good
}

// measureKill kills a server of the store while visitors change their sessions, lets it
// return or another one take over, and counts what the visitors have seen.
func measureKill(t *testing.T, r *results, k kill, site *site) {
	t.Helper()
	r.begin("a server is killed", 1)
	if k.set != nil {
		if err := k.set(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := make([]*keeper, keepers)
	stopped := make(chan struct{})
	var wg sync.WaitGroup
	for i := range all {
		all[i] = newKeeper(t, site)
		wg.Go(func() { all[i].goOn(stopped) })
	}
	time.Sleep(beforeJob())
	killed := time.Now()
	k.victim.Kill()
	if k.heir == nil {
		k.victim.Restart()
	} else {
		awaitMaster(t, k.heir.Addr)
	}
	ready := time.Now()
	awaitAll(t, all, ready)
	time.Sleep(*period)
	close(stopped)
	wg.Wait()
	r.note("Kill", k.labels, killFigures(t, all, killed, ready))
}

// awaitAll returns when each keeper has been answered well again.
func awaitAll(t *testing.T, all []*keeper, since time.Time) {
	t.Helper()
	for deadline := time.Now().Add(recoveryLimit); ; time.Sleep(10 * time.Millisecond) {
		waiting := 0
		for _, k := range all {
			if k.lastGood().Before(since) {
				waiting++
			}
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d visitors get no good answer %v after the server's return", waiting, len(all), recoveryLimit)
		}
	}
}

func killFigures(t *testing.T, all []*keeper, killed, ready time.Time) figures {
	t.Helper()
	f := figures{"ready-sec": ready.Sub(killed).Seconds(), "visitors": float64(len(all))}
	var affected, failed, unknown, lost, changes int
	var outages latencies
	recovered := killed
	for _, k := range all {
		if k.failed+k.unknown > 0 {
			affected++
			outages = append(outages, k.bad.Sub(k.firstBad))
		}
		if k.bad.After(recovered) {
			recovered = k.bad
		}
		failed, unknown, lost, changes = failed+k.failed, unknown+k.unknown, lost+k.lost, changes+k.count-1
		if k.repeated > 0 {
			t.Errorf("%d changes of a visitor were counted twice", k.repeated)
		}
	}
	f["recovered-sec"] = recovered.Sub(killed).Seconds()
	f["outage-p50-sec"], f["outage-max-sec"] = outages.quantile(0.5), outages.quantile(1)
	f["affected"], f["failed"], f["unknown"] = float64(affected), float64(failed), float64(unknown)
	f["lost"], f["changes"] = float64(lost), float64(changes)
	return f
}
