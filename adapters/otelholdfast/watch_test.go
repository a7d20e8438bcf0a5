package otelholdfast_test

import (
	"maps"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/session"
)

func TestMetricsOfWatches(t *testing.T) {
	st := newSite(t)
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	registration, err := otelholdfast.ObserveWatches(st.Manager, otelholdfast.WithMeterProvider(meters))
	if err != nil {
		t.Fatal(err)
	}
	read := func() map[string]int64 {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		found := map[string]int64{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
					found[m.Name] = point.Value
				}
			}
		}
		return found
	}
	want := func(contexts, sessions, listeners int64) {
		t.Helper()
		all := map[string]int64{
			"holdfast.session.watch.contexts":  contexts,
			"holdfast.session.watch.sessions":  sessions,
			"holdfast.session.watch.listeners": listeners,
		}
		if got := read(); !maps.Equal(got, all) {
			t.Errorf("%v; want %v", got, all)
		}
	}
	want(0, 0, 0)

	v := st.visitor()
	v.post(http.StatusOK, begin)
	v.get(http.StatusOK, func(s *session.Session) {
		for range 2 {
			_, stop := s.Watch(t.Context())
			t.Cleanup(stop)
		}
	})
	storetest.Eventually(t, "messages are heard", func() bool { return st.WatchStats().Listening })
	want(2, 1, 1)
	if err := registration.Unregister(); err != nil {
		t.Error(err)
	}
	if got := read(); len(got) > 0 {
		t.Errorf("after Unregister: %v", got)
	}
}
