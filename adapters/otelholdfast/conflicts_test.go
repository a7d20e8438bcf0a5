package otelholdfast_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/session"
)

// sums returns the counters of that name by their attributes.
func (st *site) sums(name string) map[string]int64 {
	st.t.Helper()
	got := map[string]int64{}
	for _, m := range st.collect() {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == name {
			for _, point := range sum.DataPoints {
				got[point.Attributes.Encoded(attribute.DefaultEncoder())] = point.Value
			}
		}
	}
	return got
}

func TestConflictsHaveRoutes(t *testing.T) {
	st := newSite(t)
	v := st.visitor()
	v.post(http.StatusOK, begin)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /basket/{id}", st.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { v.bump()(s) }))
	for range 2 {
		ctx, span := st.tracer.Start(t.Context(), "POST")
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://example.com/basket/7", nil)
		r.AddCookie(v.cookie)
		mux.ServeHTTP(httptest.NewRecorder(), r)
		span.End()
	}
	v.post(http.StatusConflict, v.bump())
	want := map[string]int64{"": 1, "http.route=POST /basket/{id}": 2}
	if got := st.sums("holdfast.session.conflicts"); !maps.Equal(got, want) {
		t.Errorf("counted %v; want %v", got, want)
	}
	for _, span := range st.traces.Ended() {
		set := attribute.NewSet(span.Attributes()...)
		if outcome, _ := set.Value("holdfast.session.operation.outcome"); outcome.AsString() != "conflict" {
			continue
		}
		if why, _ := set.Value("holdfast.session.conflict"); !strings.Contains(why.AsString(), `key "count"`) || !strings.Contains(why.AsString(), "Key.Update") {
			t.Errorf("the span of a conflict says %q", why.AsString())
		}
	}
}

func TestConflictsAllocateNothing(t *testing.T) {
	st := newSite(t)
	e := session.Event{Op: session.OpSave, PublicID: "h", Route: "POST /basket", Err: session.ErrConflict}
	if n := testing.AllocsPerRun(100, func() { st.observe(e) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestFaultsHaveKinds(t *testing.T) {
	st := newSite(t)
	for _, f := range []session.Fault{session.FaultKeysLost, session.FaultVanished, session.FaultVanished} {
		st.observeIn("request", session.Event{Op: session.OpFault, Fault: f, PublicID: "h"})
	}
	want := map[string]int64{"holdfast.session.fault=keys_lost": 1, "holdfast.session.fault=vanished": 2}
	if got := st.sums("holdfast.session.faults"); !maps.Equal(got, want) {
		t.Errorf("counted %v; want %v", got, want)
	}
	var events []string
	for _, span := range st.traces.Ended() {
		events = append(events, eventsOf(span)...)
	}
	if len(events) != 3 || events[0] != "holdfast.session.fault holdfast.session.fault=keys_lost" {
		t.Errorf("the spans have the events %q", events)
	}
}

// The release writes the version into go.work.
func TestVersionIsThatOfTheModule(t *testing.T) {
	st := newSite(t)
	v := st.visitor()
	v.post(http.StatusOK, begin)
	work, err := os.ReadFile("../../go.work")
	if err != nil {
		t.Skip("this needs a clone of the repository:", err)
	}
	var all metricdata.ResourceMetrics
	if err := st.metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	scopes := []string{all.ScopeMetrics[0].Scope.Version}
	for _, span := range st.traces.Ended() {
		if scope := span.InstrumentationScope(); scope.Name != "test" {
			scopes = append(scopes, scope.Version)
		}
	}
	if len(scopes) != 2 {
		t.Fatalf("%d scopes, want those of a metric and a span", len(scopes))
	}
	for _, version := range scopes {
		if !strings.Contains(string(work), "\tgithub.com/holdfast-go/holdfast/adapters/otelholdfast v"+version+" => ") {
			t.Errorf("the version of the scope is %q, which is not that of go.work", version)
		}
	}
}
