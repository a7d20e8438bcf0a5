package otelholdfast_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/provider"
)

// purger is a provider.Purger of these stats.
type purger struct{ stats provider.PurgeStats }

func (*purger) Purge(context.Context) (int64, error) { return 0, nil }
func (p *purger) PurgeStats() provider.PurgeStats    { return p.stats }

func TestMetricsOfPurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p purger
		reader := metric.NewManualReader()
		registration, err := otelholdfast.ObservePurges(&p, otelholdfast.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
		if err != nil {
			t.Fatal(err)
		}
		want := func(want map[string]float64) {
			t.Helper()
			if got := valuesOf(t, reader); !maps.Equal(got, want) {
				t.Errorf("%v; want %v", got, want)
			}
		}
		time.Sleep(time.Minute)
		want(map[string]float64{"holdfast.session.purge.age": 60, "holdfast.session.purge.removed": 0})
		p.stats = provider.PurgeStats{Last: time.Now(), Removed: 7}
		time.Sleep(time.Second)
		want(map[string]float64{"holdfast.session.purge.age": 1, "holdfast.session.purge.removed": 7})
		if err := registration.Unregister(); err != nil {
			t.Error(err)
		}
		want(map[string]float64{})
	})
}

// valuesOf returns the values of the gauges and counters without attributes.
func valuesOf(t *testing.T, reader metric.Reader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[float64]:
				found[m.Name] = data.DataPoints[0].Value
			case metricdata.Sum[int64]:
				found[m.Name] = float64(data.DataPoints[0].Value)
			}
		}
	}
	return found
}
