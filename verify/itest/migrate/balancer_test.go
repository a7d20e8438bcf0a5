package migrate_test

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// An app is some processes behind a balancer that takes turns.
type app struct {
	t      *testing.T
	from   place
	to     place
	client *http.Client
	next   atomic.Int64

	mu        sync.RWMutex
	instances []*process
}

func newApp(t *testing.T, from, to place, instances int) *app {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	a := &app{t: t, from: from, to: to, client: &http.Client{Transport: transport, Timeout: 4 * patience}}
	for range instances {
		a.instances = append(a.instances, startProcess(t, spec{from, to, oldAlone}))
	}
	return a
}

// restart replaces the instances one by one by those of a phase. The first one is killed
// while it serves, the others are stopped. During is called while both phases serve.
func (a *app) restart(f phase, during func()) {
	a.t.Helper()
	for i := range a.instances {
		p := startProcess(a.t, spec{a.from, a.to, f})
		a.mu.Lock()
		old := a.instances[i]
		if i == 0 {
			old.kill()
		}
		a.instances[i] = p
		a.mu.Unlock()
		if i > 0 {
			old.stop()
		}
		during()
	}
}

// An answer is what a request got.
type answer struct {
	status int // 0: none
	text   []byte
	cookie *http.Cookie
}

// send asks the next instance.
func (a *app) send(path string, cookie *http.Cookie) (got answer) {
	a.mu.RLock()
	url := a.instances[int(a.next.Add(1))%len(a.instances)].url
	a.mu.RUnlock()
	req, err := http.NewRequest(http.MethodPost, url+path, nil)
	if err != nil {
		a.t.Error(err)
		return got
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return got // the process has ended
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return got
	}
	got = answer{status: resp.StatusCode, text: text}
	for _, c := range resp.Cookies() {
		got.cookie = c
	}
	return got
}
