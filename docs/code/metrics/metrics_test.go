package metrics

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The metrics that there are after an undecodable value and a conflict are those of the
// page.
func TestThePageNamesTheMetrics(t *testing.T) {
	page, err := os.ReadFile("../../operating.md")
	if err != nil {
		t.Fatal(err)
	}
	reader := metric.NewManualReader()
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	sessions, err := newSessions(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	text, number := session.NewKey[string]("x"), session.NewKey[int]("x")
	counter := session.NewKey[int]("counter")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /text", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { text.Set(s, "a") }))
	mux.HandleFunc("POST /count", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		counter.Update(s, func(n int) int { return n + 1 })
	}))
	var b *browser.Browser
	raced := false
	mux.HandleFunc("GET /number", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		number.Get(s)
		counter.Get(s)
		if !raced {
			raced = true
			b.Post("/count")
		}
		counter.Set(s, 7)
	}))
	b = browser.New(t, mux)
	b.Post("/text")
	b.Get("/number").Want(t, 200, "")

	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.ScopeMetrics) != 1 || len(all.ScopeMetrics[0].Metrics) < 3 {
		t.Fatalf("%v", all.ScopeMetrics)
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if !strings.Contains(string(page), "`"+m.Name+"`") {
			t.Errorf("docs/operating.md does not name %s", m.Name)
		}
	}
}

func TestThePageForPrometheusHasTheMetrics(t *testing.T) {
	mux := http.NewServeMux()
	if err := servePrometheus(mux); err != nil {
		t.Fatal(err)
	}
	sessions, err := newSessions(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("POST /count", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		session.NewKey[int]("counter").Set(s, 1)
	}))
	b := browser.New(t, mux)
	b.Post("/count")
	page := b.Get("/metrics")
	for _, name := range []string{"holdfast_session_created_total{", "holdfast_session_watch_contexts{", `otel_scope_version="0.`} {
		if !strings.Contains(page.Body, name) {
			t.Errorf("the page lacks %s: %s", name, page.Body)
		}
	}
}
