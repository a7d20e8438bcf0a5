package sessions_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// patience ends what would hang. No test waits for it to pass.
const patience = time.Minute

// An app is some instances on one store, behind a balancer that takes turns.
type app struct {
	t      *testing.T
	server string // of the store
	space  string
	urls   []string // of the instances
	next   atomic.Int64
	client *http.Client
}

// each runs a test on every store, with an app of one instance and one of two.
func each(t *testing.T, s spec, test func(*testing.T, *app)) {
	stores.EachProvider(t, func(t *testing.T, store stores.Store) {
		t.Run("one instance", func(t *testing.T) { test(t, newApp(t, store, 1, s)) })
		t.Run("two instances", func(t *testing.T) { test(t, newApp(t, store, 2, s)) })
	})
}

// newApp returns an app of n instances. But for the first each has a process of
// its own, unless the store is in the memory of this one.
func newApp(t *testing.T, store stores.Store, n int, s spec) *app {
	t.Helper()
	a := &app{t: t, client: newClient(t)}
	s.Store, s.Server, s.Space = store.Name, store.Server(t), stores.Space()
	a.server, a.space = s.Server, s.Space
	a.serve(s.instance(t))
	for range n - 1 {
		if store.Name == stores.Memory.Name {
			a.serve(s.instance(t))
		} else {
			a.urls = append(a.urls, startProcess(t, s))
		}
	}
	return a
}

func (a *app) serve(i *instance) {
	server := httptest.NewServer(i)
	a.t.Cleanup(server.Close)
	a.urls = append(a.urls, server.URL)
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: parallelRequests}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * patience}
}

// A way is how a leaf is called.
type way struct{ method, path string }

var (
	postHandler    = way{"POST", "/Handler"}
	getHandlerFunc = way{"GET", "/HandlerFunc"}
	getLeaf        = way{"GET", "/HandlerFuncInHandler"}
	postReplay     = way{"POST", "/Replay"}
)

// answer is what a request got.
type answer struct {
	status  int
	text    string
	cookies int    // Set-Cookie lines
	cookie  string // what they set; "" if nothing, or if they clear it
}

// send asks an instance, the next in turn, for a leaf. args are names and values
// of the query.
func (a *app) send(w way, cookie, leaf string, args ...string) answer {
	a.t.Helper()
	q := url.Values{"do": {leaf}}
	for i := 0; i+1 < len(args); i += 2 {
		q.Set(args[i], args[i+1])
	}
	return a.ask(int(a.next.Add(1)), w.method, w.path+"?"+q.Encode(), cookie)
}

// ask sends a request to an instance.
func (a *app) ask(instance int, method, path, cookie string) (got answer) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, a.urls[instance%len(a.urls)]+path, nil)
	if err != nil {
		a.t.Error(err)
		return got
	}
	if cookie != "" {
		req.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Error(err)
		return got
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Error(err)
	}
	got = answer{status: resp.StatusCode, text: strings.TrimSpace(string(text))}
	for _, c := range resp.Cookies() {
		got.cookies++
		if c.MaxAge >= 0 {
			got.cookie = c.Value
		}
	}
	return got
}

// begin returns the cookie of a new session.
func (a *app) begin() string {
	a.t.Helper()
	got := a.send(postHandler, "", "begins")
	if got.status != http.StatusOK || got.cookie == "" {
		a.t.Errorf("a session begins with %+v", got)
	}
	return got.cookie
}

// opens returns what a cookie opens.
func (a *app) opens(cookie string) state {
	a.t.Helper()
	got := a.send(postHandler, cookie, "tells")
	st, err := told(got.text)
	if err != nil || got.status != http.StatusOK {
		a.t.Errorf("a session tells %+v: %v", got, err)
	}
	return st
}

// trips returns how many trips to the store all instances have made.
func (a *app) trips() (sum int) {
	a.t.Helper()
	for i := range a.urls {
		n, err := strconv.Atoi(a.ask(i, "GET", "/trips", "").text)
		if err != nil {
			a.t.Error(err)
		}
		sum += n
	}
	return sum
}

// faults sets the faults of all instances: see faults.set.
func (a *app) faults(query string) {
	a.t.Helper()
	for i := range a.urls {
		a.ask(i, "GET", "/faults?"+query, "")
	}
}
