package sessiontest_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func TestStoreIsProvider(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Provider { return sessiontest.NewStore() })
}

// A store that is a Sharer would be bypassed.
func TestStoreIsNoSharer(t *testing.T) {
	if _, ok := sessiontest.NewStore().(provider.Sharer); ok {
		t.Error("the store is a provider.Sharer")
	}
}

// client returns an http.Client with a cookie jar.
func client(t *testing.T, server *httptest.Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := server.Client()
	c.Jar = jar
	return c
}

// get returns the body of a page.
func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0") // a browser, which is warned of
	r.Host = "shop.example"
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// countVisits answers the number of requests of the visitor.
func countVisits(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	n := count.Update(s, func(n int) int { return n + 1 })
	_, _ = io.WriteString(w, strings.Repeat("I", n))
}

func TestManagerWorksOverPlainHTTP(t *testing.T) {
	var log bytes.Buffer
	m := sessiontest.NewManager(t, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	server := httptest.NewServer(m.HandlerFunc(countVisits))
	defer server.Close()
	c := client(t, server)
	for _, want := range []string{"I", "II"} {
		if got := get(t, c, server.URL); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
	if log.Len() > 0 {
		t.Errorf("the log is %s", &log)
	}
}

func TestManagerKeepsCookieThatNeedsSecure(t *testing.T) {
	for name, cookie := range map[string]session.Cookie{
		"name with __Host-":   {Name: "__Host-id"},
		"name with __Secure-": {Name: "__SECURE-id"},
		"name with __Http-":   {Name: "__Http-id"},
		"SameSite=None":       {SameSite: http.SameSiteNoneMode},
		"partitioned":         {Partitioned: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := sessiontest.NewManager(t, session.Config{Cookie: cookie})
			if c := sessiontest.Cookie(t, m, setCount); !c.Secure || cookie.Name != "" && c.Name != cookie.Name {
				t.Errorf("the cookie is %v", c)
			}
			server := httptest.NewTLSServer(m.HandlerFunc(countVisits))
			defer server.Close()
			c := client(t, server)
			get(t, c, server.URL)
			if got := get(t, c, server.URL); got != "II" {
				t.Errorf("got %q at the second visit", got)
			}
		})
	}
}

func TestManagerUsesConfig(t *testing.T) {
	key := []byte("a signing key of thirty-two bytes")
	cfg := session.Config{SigningKeys: [][]byte{key}, KeyRing: session.KeyRingSigns, Cookie: session.Cookie{Name: "id"}, MaxSize: 300}
	m := sessiontest.NewManager(t, cfg)
	c := sessiontest.Cookie(t, m, setCount)
	if c.Name != "id" {
		t.Errorf("the cookie has the name %q", c.Name)
	}
	record(t, func(tb *recorder) {
		sessiontest.Cookie(tb, m, func(s *session.Session) { user.Set(s, strings.Repeat("x", 1000)) })
	}).wants(t, session.ErrTooLarge.Error())
}

func TestManagersAreSeparate(t *testing.T) {
	m, other := sessiontest.NewManager(t), sessiontest.NewManager(t)
	c := sessiontest.Cookie(t, m, setCount)
	if !sessiontest.Alive(t, m, c) || sessiontest.Alive(t, other, c) {
		t.Error("a cookie does not belong to its Manager alone")
	}
}

func TestNewManagerFails(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  []session.Config
		want string
	}{
		"for two Configs":       {make([]session.Config, 2), "NewManager takes one Config, not 2"},
		"for an invalid Config": {[]session.Config{{MaxSize: -1}}, "sessiontest: NewManager: session: MaxSize -1 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, func(tb *recorder) { sessiontest.NewManager(tb, tc.cfg...) })
			r.wants(t, tc.want)
			if !r.ended {
				t.Error("the test goes on")
			}
		})
	}
}

// The signing keys are not in the store, where a first use would make more calls than the
// next ones.
func TestManagerKeepsNoKeysInStore(t *testing.T) {
	key := []byte("a signing key of thirty-two bytes")
	for name, cfg := range map[string]session.Config{
		"by default":   {},
		"with KeyRing": {SigningKeys: [][]byte{key}, KeyRing: session.KeyRingSigns},
	} {
		t.Run(name, func(t *testing.T) {
			m := sessiontest.NewManager(t, cfg)
			c := &race{m: m, handler: m.HandlerFunc(addOne)}
			c.run(t).wants(t)
			if want := []string{"A create, B create", "B create, A create"}; !slices.Equal(c.orders, want) {
				t.Errorf("the orders are %q", c.orders)
			}
		})
	}
}

// outputTB is a testing.TB with an output of its own.
type outputTB struct {
	testing.TB
	output   bytes.Buffer
	cleanups []func()
}

func (o *outputTB) Output() io.Writer { return &o.output }
func (o *outputTB) Cleanup(f func())  { o.cleanups = append(o.cleanups, f) }

func TestManagerLogsToOutputOfTest(t *testing.T) {
	o := &outputTB{TB: t}
	m := sessiontest.NewManager(o)
	c := sessiontest.Cookie(t, m, setCount)
	conflict := m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		n, _ := count.Get(s)
		if err := m.Update(r.Context(), s.PublicID(), func(s *session.Session) error { count.Set(s, n+1); return nil }); err != nil {
			t.Error(err)
		}
		count.Set(s, n+2)
	})
	for range 2 {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.AddCookie(c)
		conflict(httptest.NewRecorder(), r)
		if lines := strings.Split(o.output.String(), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], `level=WARN msg="session: request failed"`) {
			t.Errorf("the output is %q", lines)
		}
		for _, f := range o.cleanups { // the test ends: the second request logs nothing
			f()
		}
	}
}
