package production

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var visits = session.NewKey[int]("visits")

func hello(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
}

// newKey returns a key as openssl rand -base64 32 prints it.
func newKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// instance returns an instance of the program with these keys.
func instance(t *testing.T, store, keys string) http.Handler {
	t.Helper()
	t.Setenv("SESSION_STORE", store)
	t.Setenv("SESSION_KEYS", keys)
	sessions, stop, err := newSessions()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	return sessions.HandlerFunc(hello)
}

// A load balancer sends each request to the next instance.
type balancer struct {
	instances []http.Handler
	next      int
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.next++
	b.instances[b.next%len(b.instances)].ServeHTTP(w, r)
}

// The three steps of a change of keys, each as a rolling deployment in which instances of
// both states run.
func TestKeysChangeInARollingDeployment(t *testing.T) {
	store := "redis://" + testserver.SharedRedis(t) + "/0?pool_size=10"
	before, after := newKey(), newKey()
	states := []string{before, before + "," + after, after + "," + before}
	site := &balancer{instances: []http.Handler{instance(t, store, before)}}
	b := browser.New(t, site)
	visit := 0
	for i, keys := range states[1:] {
		site.instances = []http.Handler{instance(t, store, states[i]), instance(t, store, keys)}
		for range 4 {
			visit++
			b.Get("/").Want(t, 200, fmt.Sprint("visit ", visit))
		}
		for range 4 { // visitors who come during the deployment
			v := b.Other()
			v.Get("/").Want(t, 200, "visit 1")
			v.Get("/").Want(t, 200, "visit 2")
		}
	}
	// After PersistLifetime, there is no cookie of the old key. Today there is one:
	site.instances = []http.Handler{instance(t, store, after)}
	b.Get("/").Want(t, 200, "visit 1")
}

func TestInstancesWithoutSigningKeysShareThoseInTheStore(t *testing.T) {
	store := "redis://" + testserver.SharedRedis(t) + "/0"
	b := browser.New(t, &balancer{instances: []http.Handler{instance(t, store, ""), instance(t, store, "")}})
	for n := range 4 {
		b.Get("/").Want(t, 200, fmt.Sprint("visit ", n+1))
	}
}

func TestStoreThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close() // nobody listens there
	a := browser.New(t, instance(t, "redis://"+addr+"/0", newKey())).Get("/")
	if a.Status != 503 || a.Header.Get("Retry-After") != "5" || !strings.Contains(a.Body, "Please try again") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestWrongKeys(t *testing.T) {
	for _, keys := range []string{"not base64", "c2hvcnQ="} {
		t.Setenv("SESSION_STORE", "redis://127.0.0.1:1/0")
		t.Setenv("SESSION_KEYS", keys)
		if _, _, err := newSessions(); err == nil {
			t.Errorf("%q: no error", keys)
		}
	}
}

func TestServeFinishesRequests(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop()
		fmt.Fprint(w, "done")
	})
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, site) }()
	res, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "done" {
		t.Errorf("%q %v", body, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
