package admin_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// site is a program with sessions and an admin page at /admin/.
type site struct {
	t     *testing.T
	m     *session.Manager
	stats *admin.Stats
	may   admin.Rights // of the operator
	name  string       // of the operator
	log   bytes.Buffer

	mu       sync.Mutex
	entries  []admin.Entry
	auditErr error
	onAudit  func()

	handler http.Handler
}

func newSite(t *testing.T, store provider.Provider, change ...func(*session.Config)) *site {
	t.Helper()
	s := &site{t: t, stats: new(admin.Stats), may: admin.AllRights(), name: "olga"}
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	cfg := session.Config{Observer: s.stats.Observe, Logger: logger, StoreTimeout: time.Minute}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if s.m, err = session.New(store, cfg); err != nil {
		t.Fatal(err)
	}
	s.mount(admin.Options{Stats: s.stats, Logger: logger, Audit: s.audit})
	return s
}

// mount serves the pages with these options.
func (s *site) mount(o admin.Options) {
	o.Authorize = func(*http.Request) (string, admin.Rights) { return s.name, s.may }
	mux := http.NewServeMux()
	mux.Handle("/admin/", admin.Handler(s.m, o))
	s.handler = mux
}

func (s *site) withoutAudit() {
	s.mount(admin.Options{Logger: slog.New(slog.NewTextHandler(&s.log, nil))})
}

func newMemorySite(t *testing.T, change ...func(*session.Config)) *site {
	t.Helper()
	return newSite(t, memory.New(), change...)
}

func (s *site) audit(_ context.Context, e admin.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onAudit != nil {
		s.onAudit()
	}
	s.entries = append(s.entries, e)
	return s.auditErr
}

// answer is the answer to a request.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// ask sends a request as a browser does from a page of the same site.
func (s *site) ask(method, target string, form url.Values, change ...func(*http.Request)) *answer {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, "https://example.com"+target, body)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return &answer{s.t, w.Code, w.Header(), w.Body.String()}
}

func (s *site) get(page string) *answer {
	s.t.Helper()
	return s.ask(http.MethodGet, "/admin/"+page, nil)
}

// post sends a form of these names and values.
func (s *site) post(page string, fields ...string) *answer {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.ask(http.MethodPost, "/admin/"+page, form)
}

// want checks the status and that the text of the page contains all of these texts.
func (a *answer) want(status int, texts ...string) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d\n%s", a.status, status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			a.t.Errorf("the page does not say %q:\n%s", text, a.text())
		}
	}
	return a
}

// wantNot checks that the page contains none of these texts, also not in its source.
func (a *answer) wantNot(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) || strings.Contains(a.text(), text) {
			a.t.Errorf("the page contains %q:\n%s", text, a.body)
		}
	}
	return a
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`[ \n\t]+`)
)

// text returns the text of the page without its elements.
func (a *answer) text() string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(a.body, " ")), " "))
}

// follow returns the page that a redirect leads to.
func (s *site) follow(a *answer) *answer {
	s.t.Helper()
	a.want(http.StatusSeeOther)
	return s.get(strings.TrimPrefix(a.header.Get("Location"), "./"))
}

var (
	basket = session.NewKey[map[string]int]("basket")
	note   = session.NewKey[string]("note")
)

// visit serves a request with the cookie, and returns the cookie that the visitor then has.
func (s *site) visit(cookie *http.Cookie, do func(*session.Session)) *http.Cookie {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://example.com/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, sess *session.Session) { do(sess) }).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		s.t.Fatalf("a visit is answered %d: %s", w.Code, s.log.String())
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			cookie = c
		}
	}
	return cookie
}

// signIn begins a session of the user, and returns its cookie and its public ID.
func (s *site) signIn(user string, also ...func(*session.Session)) (*http.Cookie, string) {
	s.t.Helper()
	cookie := s.visit(nil, func(sess *session.Session) {
		sess.Renew()
		sess.SetOwner(user)
		note.Set(sess, "secret of "+user)
		for _, f := range also {
			f(sess)
		}
	})
	return cookie, s.publicID(cookie)
}

// publicID returns that of the session of the cookie, "" if there is none.
func (s *site) publicID(cookie *http.Cookie) (id string) {
	s.t.Helper()
	s.visit(cookie, func(sess *session.Session) { id = sess.PublicID() })
	return id
}

func (s *site) lives(cookie *http.Cookie) bool {
	s.t.Helper()
	return s.publicID(cookie) != ""
}

// wantAudited checks the entries since it was last called, and returns them.
func (s *site) wantAudited(actions ...admin.Action) []admin.Entry {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := s.entries
	s.entries = nil
	var got []admin.Action
	for _, e := range entries {
		got = append(got, e.Action)
		if e.Operator != s.name || e.Time.IsZero() {
			s.t.Errorf("the entry is %+v", e)
		}
	}
	if len(got) != len(actions) {
		s.t.Fatalf("the audit log got %q, want %q", got, actions)
	}
	for i := range got {
		if got[i] != actions[i] {
			s.t.Fatalf("the audit log got %q, want %q", got, actions)
		}
	}
	return entries
}

var errAudit = errors.New("the disk is full")
