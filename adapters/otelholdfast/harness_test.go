package otelholdfast_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var (
	count = session.NewKey[int]("count")
	text  = session.NewKey[string]("text")

	countAsText = session.NewKey[string]("count") // which does not decode

	errDown = errors.New("store is down")
)

// site is a Manager over the memory provider that OpenTelemetry's SDK observes.
type site struct {
	*session.Manager
	t        testing.TB
	observer func(context.Context, session.Event)
	store    *storetest.Store
	log      bytes.Buffer
	metrics  *metric.ManualReader
	traces   *tracetest.SpanRecorder
	tracer   trace.Tracer
}

func newSite(t testing.TB, more ...sdktrace.TracerProviderOption) *site {
	t.Helper()
	st := &site{
		t:       t,
		store:   &storetest.Store{Provider: memory.New()},
		metrics: metric.NewManualReader(),
		traces:  tracetest.NewSpanRecorder(),
	}
	tracers := sdktrace.NewTracerProvider(append(more, sdktrace.WithSpanProcessor(st.traces))...)
	st.tracer = tracers.Tracer("test")
	var err error
	st.observer, err = otelholdfast.Observer(
		otelholdfast.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(st.metrics))),
		otelholdfast.WithTracerProvider(tracers),
	)
	if err != nil {
		t.Fatal(err)
	}
	st.Manager, err = session.New(st.store, session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout: time.Minute, // a machine may stand still for seconds
		Logger:       slog.New(slog.NewJSONHandler(&st.log, nil)),
		Observer:     st.observer,
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// failFetches and failSaves let no call of their kind reach the store.
func (st *site) failFetches() {
	st.store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errDown }
}

func (st *site) failSaves() {
	st.store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errDown }
}

// observe tells of e outside of any span, observeIn within one of that name.
func (st *site) observe(e session.Event) { st.observer(st.t.Context(), e) }

func (st *site) observeIn(name string, e session.Event) {
	ctx, span := st.tracer.Start(st.t.Context(), name)
	defer span.End()
	st.observer(ctx, e)
}

// collect returns the metrics of otelholdfast so far.
func (st *site) collect() []metricdata.Metrics {
	st.t.Helper()
	var all metricdata.ResourceMetrics
	if err := st.metrics.Collect(st.t.Context(), &all); err != nil {
		st.t.Fatal(err)
	}
	if len(all.ScopeMetrics) != 1 {
		st.t.Fatalf("%d scopes with metrics, want 1", len(all.ScopeMetrics))
	}
	return all.ScopeMetrics[0].Metrics
}

// visitor is a browser with one cookie.
type visitor struct {
	*site
	cookie *http.Cookie
}

func (st *site) visitor() *visitor { return &visitor{site: st} }

// get and post have fn handle a request, of which only a GET is replayed, and
// check the answer's status.
func (v *visitor) get(status int, fn func(*session.Session)) {
	v.t.Helper()
	v.send(v.t.Context(), http.MethodGet, status, fn)
}

func (v *visitor) post(status int, fn func(*session.Session)) {
	v.t.Helper()
	v.send(v.t.Context(), http.MethodPost, status, fn)
}

// send puts the request into a span of the server's, as otelhttp does.
func (v *visitor) send(ctx context.Context, method string, status int, fn func(*session.Session)) {
	v.t.Helper()
	ctx, span := v.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	r := httptest.NewRequestWithContext(ctx, method, "https://example.com/", nil)
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	w := httptest.NewRecorder()
	v.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }).ServeHTTP(w, r)
	if w.Code != status {
		v.t.Errorf("%s: status %d, want %d: %s", method, w.Code, status, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if !strings.HasSuffix(c.Name, "-version") {
			v.cookie = c
		}
	}
}

func begin(s *session.Session) { count.Set(s, 1) }

func add(s *session.Session) { count.Update(s, func(n int) int { return n + 100 }) }

// bump reads and sets, which is what conflicts. A rival is first once.
func (v *visitor) bump() func(*session.Session) {
	rival := *v
	raced := false
	return func(s *session.Session) {
		n, _ := count.Get(s)
		if !raced {
			raced = true
			rival.post(http.StatusOK, add)
		}
		count.Set(s, n+1)
	}
}

// merge sets a key while a rival sets another.
func (v *visitor) merge(s *session.Session) {
	rival := *v
	rival.post(http.StatusOK, add)
	text.Set(s, "mine")
}

// hangUp sends a request to renew the session and gives it up before that is done.
func (v *visitor) hangUp() {
	ctx, cancel := context.WithCancel(v.t.Context())
	v.send(ctx, http.MethodPost, http.StatusServiceUnavailable, func(s *session.Session) {
		s.Renew()
		cancel()
	})
}

// spoil makes what the store returns unreadable.
func (st *site) spoil() {
	st.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		rec, err := next(ctx, id)
		if err == nil {
			rec.Data = []byte("spoilt")
		}
		return rec, err
	}
}
