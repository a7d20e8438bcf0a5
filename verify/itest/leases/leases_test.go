package leases_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// patience ends what would hang. No test waits for it to pass.
const patience = time.Minute

// An app is two instances on one store, with the token server that they use.
type app struct {
	t      *testing.T
	spec   spec
	here   *instance // the first one, which is in this process
	urls   []string
	tokens *tokenServer
	client *http.Client
}

// newApp returns an app. The second instance has a process of its own, unless the store is
// in the memory of this one.
func newApp(t *testing.T, store stores.Store) *app {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	a := &app{t: t, tokens: newTokenServer(t), client: &http.Client{Transport: transport, Timeout: 2 * patience}}
	a.spec = spec{Store: store.Name, Server: store.Server(t), Space: stores.Space(), Tokens: a.tokens.URL}
	for i := range 2 {
		if i == 1 && store.Name != stores.Memory.Name {
			a.urls = append(a.urls, startProcess(t, a.spec))
			continue
		}
		here := a.spec.instance(t, store.At(t, a.spec.Server, a.spec.Space))
		if i == 0 {
			a.here = here
		}
		server := httptest.NewServer(here.routes())
		t.Cleanup(server.Close)
		a.urls = append(a.urls, server.URL)
	}
	return a
}

// begin begins a session with the first token of a new grant.
func (a *app) begin(grant string) *http.Cookie {
	a.t.Helper()
	q := url.Values{"grant": {grant}, "refresh_token": {a.tokens.issue(grant).Refresh}}
	res, err := a.client.PostForm(a.urls[0]+"/begin", q)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	if len(res.Cookies()) != 1 {
		a.t.Fatalf("a session begins with status %d, %d cookies", res.StatusCode, len(res.Cookies()))
	}
	return res.Cookies()[0]
}

// page asks an instance for a page that needs a token of that generation.
func (a *app) page(instance string, cookie *http.Cookie, generation int, args string) (status int, text string, err error) {
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/page?generation=%d%s", instance, generation, args), nil)
	if err != nil {
		return 0, "", err
	}
	req.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	res, err := a.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSpace(string(body)), err
}

// wantPages asks each instance four times at once for a page, and checks that all have got
// the one token of that generation.
func (a *app) wantPages(cookie *http.Cookie, generation int) {
	a.t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for i := range 8 {
		all.Go(func() {
			status, text, err := a.page(a.urls[i%len(a.urls)], cookie, generation, "")
			if err != nil || status != http.StatusOK {
				a.t.Errorf("%d %s, %v", status, text, err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[text]++
		})
	}
	all.Wait()
	for text := range seen {
		if len(seen) > 1 || !strings.HasPrefix(text, fmt.Sprint(generation, " ")) {
			a.t.Errorf("eight requests got %v; want one token of generation %d", seen, generation)
		}
	}
}

// Eight requests at a time, of two processes, whose token has run out: one redeems it.
func TestATokenIsRedeemedOnce(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, store stores.Store) {
		a := newApp(t, store)
		cookie := a.begin("ann's")
		for generation := 1; generation <= 5; generation++ {
			a.wantPages(cookie, generation)
			a.tokens.want(t, "ann's", generation, 0)
		}
	})
}

// A process dies at each point of a renewal. Another renews the token when the lease has
// ended, and the visitor keeps his session. Only if the process dies between the
// redemption and the save of the new token, nobody has the new token any more.
func TestTheHolderIsKilled(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, store stores.Store) {
		if store.Name == stores.Memory.Name {
			return // it dies with its process
		}
		a := newApp(t, store)
		for _, at := range []point{leasing, leased, running, redeemed, saving, saved, stuck} {
			t.Run(string(at), func(t *testing.T) {
				t.Parallel()
				a := &app{t: t, spec: a.spec, urls: a.urls, tokens: a.tokens, client: a.client}
				a.testDeath(at)
			})
		}
	})
}

func (a *app) testDeath(at point) {
	t := a.t
	victim := startProcess(t, a.spec)
	grant := "at " + string(at)
	cookie := a.begin(grant)
	died := make(chan string, 1)
	go func() {
		status, text, err := a.page(victim, cookie, 1, "&lasts=1s&at="+string(at))
		died <- fmt.Sprint(status, " ", text, " ", err)
	}()
	if at != stuck {
		if answer := <-died; !strings.HasPrefix(answer, "0 ") {
			t.Fatalf("the process did not die: %s", answer)
		}
	}
	switch at {
	case redeemed, saving:
		status, text, _ := a.page(a.urls[0], cookie, 1, "")
		if status != http.StatusInternalServerError || text != errInvalidGrant.Error() {
			t.Errorf("%d %s", status, text)
		}
		a.tokens.want(t, grant, 1, 1)
	case stuck:
		a.tokens.waitAtGate(grant)
		a.wantPages(cookie, 1)
		if answer := <-died; !strings.HasPrefix(answer, "409 ") {
			t.Errorf("a holder that was too slow was answered %s", answer)
		}
		a.tokens.want(t, grant, 1, 0)
		a.wantPages(cookie, 1)
	default:
		a.wantPages(cookie, 1)
		a.tokens.want(t, grant, 1, 0)
	}
	status, text, err := a.page(a.urls[1], cookie, 0, "")
	if err != nil || status != http.StatusOK {
		t.Errorf("the session: %d %s, %v", status, text, err)
	}
}
