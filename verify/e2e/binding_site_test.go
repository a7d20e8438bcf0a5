package e2e_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A boundSite is an app whose sessions are bound to devices, on two instances that take
// turns. Its host is its own, because the browser limits proofs by site.
type boundSite struct {
	t         *testing.T
	url       string
	instances [2]*session.Manager
	down      atomic.Bool // the store fails
	underWay  atomic.Bool // registrations wait until a request for /held has arrived
	held      atomic.Bool // one has

	mu        sync.Mutex
	events    []string // of bindings and proofs
	audiences []string // that proofs have named
}

// proofAge is how old the last proof may be for a payment.
const proofAge = 10 * time.Second

var boundUser = session.NewKey[string]("user")

// newBoundSite starts an app with that policy.
func newBoundSite(t *testing.T, policy session.DeviceBinding) *boundSite {
	t.Helper()
	needChromium(t)
	site := &boundSite{t: t}
	store := failing{memory.New(), &site.down}
	var handlers [2]http.Handler
	for i := range site.instances {
		site.instances[i] = site.manager(store, policy)
		handlers[i] = site.routes(site.instances[i])
	}
	var turn atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site.noteAudience(r)
		if r.URL.Path == "/device-binding/register" && site.underWay.Load() {
			waitFor(r, site.held.Load)
		}
		handlers[turn.Add(1)%2].ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{boundCertificate(t)}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	site.url = strings.Replace(server.URL, "127.0.0.1", strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))+".test", 1)
	return site
}

func (b *boundSite) manager(p provider.Provider, policy session.DeviceBinding) *session.Manager {
	m, err := session.New(p, session.Config{
		DeviceBinding: policy,
		Cookie:        session.Cookie{MaxAge: time.Hour}, // which outlives the browser
		Logger:        slog.New(slog.DiscardHandler),
		Observer:      b.observe,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *boundSite) observe(_ context.Context, e session.Event) {
	if e.Op == session.OpBind || e.Op == session.OpProve {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, fmt.Sprintf("%s %s", e.Op, e.Outcome()))
	}
}

// waitFor waits until a condition is true, or the client has given up.
func waitFor(r *http.Request, condition func() bool) {
	for !condition() && r.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// noteAudience notes the audience of the proof in r, if it has one.
func (b *boundSite) noteAudience(r *http.Request) {
	parts := strings.Split(r.Header.Get("Secure-Session-Response"), ".")
	if len(parts) != 3 {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Audience string `json:"aud"`
	}
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		b.t.Errorf("a proof: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if claims.Audience != "" {
		b.audiences = append(b.audiences, claims.Audience)
	}
}

// count returns how many events of that text there were.
func (b *boundSite) count(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e == text {
			n++
		}
	}
	return n
}

// routes returns an app whose pages show the user and the state of the binding.
func (b *boundSite) routes(m *session.Manager) http.Handler {
	page := func(do func(*http.Request, *session.Session)) http.Handler {
		return m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			do(r, s)
			user, _ := boundUser.Get(s)
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<link rel="icon" href="data:,"><p id="user">%s</p><p id="binding">%s</p><p id="public-id" title="%s"></p><form method="post" action="/pay"><input id="to" name="to"><button id="pay">Pay</button></form>`,
				user, s.Binding().State, s.PublicID())
		})
	}
	mux := http.NewServeMux()
	mux.Handle("POST /device-binding/", m.DeviceBinding())
	mux.Handle("/", page(func(*http.Request, *session.Session) {}))
	mux.Handle("/login", page(func(r *http.Request, s *session.Session) {
		boundUser.Set(s, r.FormValue("user"))
		s.SetOwner(r.FormValue("user"))
		s.Renew()
	}))
	mux.Handle("/own", page(func(r *http.Request, s *session.Session) { s.SetOwner(r.FormValue("user")) }))
	mux.HandleFunc("/held", func(w http.ResponseWriter, r *http.Request) { // until a key is registered
		b.held.Store(true)
		waitFor(r, func() bool { return b.count("bind ok") > 0 })
		page(func(*http.Request, *session.Session) {}).ServeHTTP(w, r)
	})
	mux.Handle("/logout", page(func(_ *http.Request, s *session.Session) { s.Destroy() }))
	mux.Handle("/pay", m.RequireProof(proofAge, page(func(r *http.Request, s *session.Session) {
		boundUser.Set(s, "paid "+r.PostFormValue("to"))
	}), nil))
	return mux
}

// failing is a store that fails while it is down.
type failing struct {
	provider.Provider
	down *atomic.Bool
}

var errDown = errors.New("the store is down")

func (f failing) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Provider.Fetch(ctx, id)
}

// boundCertificate returns the certificate that the browser of these tests trusts.
func boundCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return server.TLS.Certificates[0]
}

// boundFlags are the flags with which Chromium binds sessions on a machine without a TPM, and
// has these features, too.
func boundFlags(t *testing.T, features ...string) []chromedp.ExecAllocatorOption {
	t.Helper()
	leaf, err := x509.ParseCertificate(boundCertificate(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return []chromedp.ExecAllocatorOption{
		chromedp.Flag("enable-features", strings.Join(append(features, "DeviceBoundSessions", "EnableBoundSessionCredentialsSoftwareKeysForManualTesting"), ",")),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(hash[:])),
	}
}

// theBoundChromium returns the browser that the tests of bound sessions share.
var theBoundChromium = func() func(*testing.T) *chromium {
	var once sync.Once
	var shared *chromium
	return func(t *testing.T) *chromium {
		t.Helper()
		once.Do(func() {
			c, err := startChromium("", boundFlags(t)...)
			if err != nil {
				t.Fatal(err)
			}
			stops = append(stops, c.stop)
			shared = c
		})
		if shared == nil {
			t.Fatal("the browser did not start")
		}
		return shared
	}
}()

// visit opens a tab of the site.
func (b *boundSite) visit(t *testing.T) *boundTab {
	t.Helper()
	return b.visitIn(t, theBoundChromium(t))
}

func (b *boundSite) visitIn(t *testing.T, c *chromium) *boundTab {
	t.Helper()
	return &boundTab{newTab(t, &shop{url: b.url}, c.ctx), b}
}

// A boundTab shows a page of a boundSite.
type boundTab struct {
	*tab
	site *boundSite
}

// logIn signs a user in and waits until the session is bound.
func (p *boundTab) logIn(user string) {
	p.t.Helper()
	bound := p.site.count("bind ok")
	p.open("/login?user=" + user)
	p.eventually("the registration", func() bool { return p.site.count("bind ok") > bound })
	p.eventually("the bound cookie", func() bool { return p.hasBoundCookie() })
	p.shows(user, "bound")
}

// shows checks what the home page shows.
func (p *boundTab) shows(user, binding string) {
	p.t.Helper()
	p.open("/")
	p.says("#user", user)
	p.says("#binding", binding)
}

const boundName = "__Host-session-bound"

func (p *boundTab) hasBoundCookie() bool {
	p.t.Helper()
	for _, c := range p.cookies() {
		if c.Name == boundName {
			return true
		}
	}
	return false
}

// dropBoundCookie deletes the bound cookie, as if its time were over.
func (p *boundTab) dropBoundCookie() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: boundName, URL: p.shop.url}); err != nil {
		p.t.Fatal(err)
	}
	if p.hasBoundCookie() {
		p.t.Fatal("the browser has kept the bound cookie")
	}
}

// thief returns a client of another machine with copies of the browser's cookies.
func (p *boundTab) thief() *thief {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	at, err := url.Parse(p.shop.url)
	if err != nil {
		p.t.Fatal(err)
	}
	var copies []*http.Cookie
	for _, c := range p.cookies() {
		copies = append(copies, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
	}
	jar.SetCookies(at, copies)
	address := "127.0.0.1:" + at.Port()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &thief{p.t, p.shop.url, &http.Client{Jar: jar, Transport: transport}}
}

// A thief has copies of cookies and no key.
type thief struct {
	t      *testing.T
	url    string
	client *http.Client
}

// gets checks the status of an answer, and whether its page shows the user.
func (h *thief) gets(path string, status int, user string) {
	h.t.Helper()
	res, err := h.client.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != status || user != "" && !strings.Contains(string(body), `id="user">`+user+"<") {
		h.t.Errorf("the thief gets %s %q; want %d and user %q", res.Status, body, status, user)
	}
}
