package main

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		if n, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 63); err == nil {
			err = limitFiles(n)
			if err != nil {
				panic(err)
			}
		}
		main()
	}
	testserver.Main(m)
}

// site is a program with sessions, and the tool over its store.
type site struct {
	t     *testing.T
	store provider.Provider
	m     *session.Manager
	url   string            // of the store; "": the tool is given the store itself
	env   map[string]string // of the tool
	asks  bool
	input string // of the tool
}

func newSite(t *testing.T, store provider.Provider, cfg session.Config) *site {
	t.Helper()
	if cfg.SigningKeys == nil {
		cfg.SigningKeys = [][]byte{bytes.Repeat([]byte("k"), 32)}
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t: t, store: store, m: m, env: map[string]string{}}
}

func newMemorySite(t *testing.T) *site { return newSite(t, memory.New(), session.Config{}) }

// result is what the tool has done.
type result struct {
	code        int
	out, errOut string
}

// run runs the tool.
func (s *site) run(args ...string) result { return s.runIn(s.t.Context(), args...) }

func (s *site) runIn(ctx context.Context, args ...string) result {
	var out, errOut bytes.Buffer
	t := tool{
		stdin:  strings.NewReader(s.input),
		stdout: &out,
		stderr: &errOut,
		getenv: func(name string) string { return s.env[name] },
		open:   storeurl.Open,
		create: storeurl.Create,
		asks:   s.asks,
	}
	if s.url == "" {
		t.open = func(context.Context, string) (*storeurl.Opened, error) {
			return &storeurl.Opened{Provider: s.store, Close: func() {}}, nil
		}
		t.create = t.open
	}
	s.env[storeEnv] = cmp.Or(s.env[storeEnv], s.url, "test:")
	code := t.run(ctx, args)
	return result{code, out.String(), errOut.String()}
}

// must runs the tool, and returns its output.
func (s *site) must(args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	if r.code != 0 || r.errOut != "" {
		s.t.Fatalf("holdfast %q: exit code %d\n%s%s", args, r.code, r.out, r.errOut)
	}
	return r.out
}

// fails runs the tool, which is to fail with one line that contains text.
func (s *site) fails(code int, text string, args ...string) {
	s.t.Helper()
	r := s.run(args...)
	if r.code != code || r.out != "" || strings.Count(r.errOut, "\n") != 1 || !strings.Contains(r.errOut, text) {
		s.t.Errorf("holdfast %q: exit code %d, want %d and %q\n%s%s", args, r.code, code, text, r.out, r.errOut)
	}
}

// device is a browser.
type device struct {
	*site
	cookie *http.Cookie
}

func (s *site) device() *device { return &device{site: s} }

// visit returns the status of a request whose handler does that.
func (d *device) visit(do func(*session.Session)) int {
	r := httptest.NewRequest(http.MethodPost, "https://example.com/", nil)
	if d.cookie != nil {
		r.AddCookie(d.cookie)
	}
	w := httptest.NewRecorder()
	d.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { do(s) }).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		d.cookie = c
	}
	return w.Code
}

// publicID returns that of the device's session, "" if it has none.
func (d *device) publicID() (publicID string) {
	d.visit(func(s *session.Session) { publicID = s.PublicID() })
	return publicID
}

var (
	basket = session.NewKey[map[string]int]("basket")
	name   = session.NewKey[string]("name")
)

// signIn returns the device of somebody who has signed in.
func (s *site) signIn(user string) *device {
	s.t.Helper()
	d := s.device()
	if code := d.visit(func(s *session.Session) {
		s.Renew()
		s.SetOwner(user)
		basket.Set(s, map[string]int{"rope": 2})
	}); code != http.StatusOK {
		s.t.Fatalf("signing in: %d", code)
	}
	return d
}

// failing lists all records, and then fails.
type failing struct{ *memory.Provider }

func (f failing) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		for rec, err := range f.Provider.List(ctx, prefix) {
			if !yield(rec, err) {
				return
			}
		}
		yield(nil, errBroken)
	}
}
