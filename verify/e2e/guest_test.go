package e2e_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A crowd is of guests, who visit at the same time and are not to hear of each other.
type crowd struct {
	t      *testing.T
	url    string
	client *http.Client

	mu      sync.Mutex
	givenTo map[string]string // cookies: the guest who was given each
	leaks   []string          // what of one guest has reached another
}

// A guest comes without a browser, and so gets to see every Set-Cookie.
type guest struct {
	*crowd
	name   string
	cookie string // name=value
}

func newCrowd(t *testing.T, url string) *crowd {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &crowd{
		t: t, url: url, givenTo: map[string]string{},
		client: &http.Client{Transport: transport, CheckRedirect: stay, Timeout: patience},
	}
}

func (c *crowd) guest() *guest {
	return &guest{crowd: c, name: "guest-" + strings.ToLower(rand.Text())}
}

var guestNames = regexp.MustCompile(`guest-[a-z0-9]+`)

// visit lets so many guests in at once and returns what has leaked.
func (c *crowd) visit(n int, visit func(*guest)) []string {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { visit(c.guest()) })
	}
	wg.Wait()
	return c.leaks
}

// An answer is what a guest gets to see.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) fromCache() bool { return a.header.Get("X-Cache-Status") == "HIT" }

func (g *guest) get(path string) answer { return g.ask("GET", path) }

// ask sends a request, with a form of names and values.
func (g *guest) ask(method, path string, form ...string) answer {
	fields := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		fields.Set(form[i], form[i+1])
	}
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(fields.Encode()))
	if err != nil {
		g.t.Error(err)
		return answer{}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if g.cookie != "" {
		req.Header.Set("Cookie", g.cookie)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Error(err)
	}
	g.look(req.URL.Path, string(body), resp.Cookies())
	return answer{resp.StatusCode, string(body), resp.Header}
}

// look takes the cookies, and notes what is another guest's.
func (g *guest) look(path, body string, cookies []*http.Cookie) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range guestNames.FindAllString(body, -1) {
		if name != g.name {
			g.leaks = append(g.leaks, fmt.Sprintf("%s: a page of another guest", path))
		}
	}
	for _, c := range cookies {
		if c.Value == "" {
			g.cookie = ""
			continue
		}
		if owner, given := g.givenTo[c.Value]; given && owner != g.name {
			g.leaks = append(g.leaks, fmt.Sprintf("%s: the cookie of another guest", path))
		}
		g.givenTo[c.Value], g.cookie = g.name, c.Name+"="+c.Value
	}
}
