package operate_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/session"
)

// The keys of the app.
var (
	basket = session.NewKey[int]("basket")
	visits = session.NewKey[int]("visits")
	note   = session.NewKey[string]("note")
	access = session.NewKey[string]("access token")

	noteAsNumber = session.NewKey[int]("note") // as a careless deployment has it
)

// app is a shop on PostgreSQL with a page for Prometheus.
type app struct {
	t        *testing.T
	server   *testserver.Server
	pool     *pgxpool.Pool
	store    *postgres.Provider
	small    *storetest.Store // store, whose lists of sessions have a size limit
	observer func(context.Context, session.Event)
	meters   *metric.MeterProvider
	sessions atomic.Pointer[session.Manager]
	http     *httptest.Server
	onLoaded atomic.Pointer[func()] // is called by POST /note once, between load and save
}

func newApp(t *testing.T) *app {
	a := &app{t: t, server: testserver.Postgres(t)}
	var err error
	if a.pool, err = pgxpool.New(t.Context(), a.server.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.pool.Close)
	a.store = postgres.New(a.pool)
	if err := a.store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.small = &storetest.Store{Provider: a.store, OnSave: limitLists}
	metrics := a.observe()
	a.restart()
	if _, err := otelholdfast.ObserveReadCache(a.sessions.Load(), otelholdfast.WithMeterProvider(a.meters)); err != nil {
		t.Fatal(err)
	}
	if _, err := otelholdfast.ObserveWatches(a.sessions.Load(), otelholdfast.WithMeterProvider(a.meters)); err != nil {
		t.Fatal(err)
	}
	pages := a.pages()
	pages.Handle("GET /metrics", metrics)
	a.http = httptest.NewServer(pages)
	t.Cleanup(a.http.Close)
	return a
}

// listLimit is the size of a list of sessions that the store takes, as other stores have
// one.
const listLimit = 2000

func limitLists(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	if rec.Format == "holdfast-owner-index" && len(rec.Data) > listLimit {
		return provider.ErrTooLarge
	}
	return next(ctx, rec, expect)
}

// observe makes the observer, and returns the page for Prometheus.
func (a *app) observe() http.Handler {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		a.t.Fatal(err)
	}
	a.meters = metric.NewMeterProvider(metric.WithReader(exporter))
	if a.observer, err = otelholdfast.Observer(otelholdfast.WithMeterProvider(a.meters)); err != nil {
		a.t.Fatal(err)
	}
	if _, err := otelholdfast.ObservePurges(a.store, otelholdfast.WithMeterProvider(a.meters)); err != nil {
		a.t.Fatal(err)
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// restart makes a Manager that knows nothing of the one before.
func (a *app) restart() *session.Manager {
	m, err := session.New(a.small, session.Config{
		Cookie:       session.Cookie{Insecure: true},
		StoreTimeout: 2 * time.Second,
		OwnerLimit:   -1,
		ReadCache:    session.ReadCache{MaxStale: time.Minute},
		Logger:       slog.New(slog.DiscardHandler),
		Observer:     a.observer,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.sessions.Store(m)
	return m
}

type handler = func(http.ResponseWriter, *http.Request, *session.Session)

// pages are the pages of the shop.
func (a *app) pages() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, page := range map[string]handler{
		"GET /": func(w http.ResponseWriter, _ *http.Request, s *session.Session) { basket.Get(s) },
		"GET /visits": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { // runs again after a conflict
			n, _ := visits.Get(s)
			time.Sleep(time.Millisecond)
			visits.Set(s, n+1)
		},
		"POST /basket": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { // conflicts with itself
			n, _ := basket.Get(s)
			time.Sleep(5 * time.Millisecond)
			basket.Set(s, n+1)
		},
		"POST /visit": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			visits.Update(s, func(n int) int { return n + 1 })
		},
		"POST /login": func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			s.Renew()
			s.SetOwner(r.FormValue("user"))
		},
		"POST /logout": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() },
		"POST /note": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			note.Get(s)
			if fn := a.onLoaded.Swap(nil); fn != nil {
				(*fn)()
			}
			note.Set(s, time.Now().String())
		},
		"POST /number": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { noteAsNumber.Get(s) },
		"POST /access": func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			stale := func(string) bool { return true }
			_, _ = access.Refresh(r.Context(), s, stale, func(context.Context, string) (string, error) { return "new", nil })
		},
		"GET /id": func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			_, _ = io.WriteString(w, s.PublicID())
		},
		"GET /events": func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			alive, stop := s.Watch(r.Context())
			defer stop()
			_ = http.NewResponseController(w).Flush()
			<-alive.Done()
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			a.sessions.Load().HandlerFunc(page)(w, r)
		})
	}
	return mux
}

// visitor is a browser.
type visitor struct {
	a      *app
	client *http.Client
}

func (a *app) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return &visitor{a, &http.Client{Jar: jar, Transport: a.http.Client().Transport}}
}

// do sends "GET /path" or "POST /path", and returns the status and the text of the answer. The
// status is 0 if no answer came, as at the end of the test.
func (v *visitor) do(what string, form ...string) (status int, text string) {
	method, path, _ := strings.Cut(what, " ")
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r, err := http.NewRequestWithContext(v.a.t.Context(), method, v.a.http.URL+path+"?"+values.Encode(), nil)
	if err != nil {
		v.a.t.Error(err)
		return 0, ""
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// addr returns the address of the app.
func (a *app) addr() string { return a.http.Listener.Addr().(*net.TCPAddr).String() }
