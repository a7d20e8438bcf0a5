package otelholdfast_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMetricsOfReadCache(t *testing.T) {
	st := newSite(t)
	st.store = &storetest.Store{Provider: memory.New()}
	st.useReadCache(silent{st.store})
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	registration, err := otelholdfast.ObserveReadCache(st.Manager, otelholdfast.WithMeterProvider(meters))
	if err != nil {
		t.Fatal(err)
	}
	want := func(requests map[string]int64, copies int64, sized bool) {
		t.Helper()
		got, gotCopies, size := readCacheMetrics(t, reader)
		if !maps.Equal(got, requests) || gotCopies != copies || sized != (size > 0) {
			t.Errorf("requests %v, copies %d, size %d; want %v, %d, and a size: %t", got, gotCopies, size, requests, copies, sized)
		}
	}
	want(map[string]int64{"hit": 0, "absent": 0, "stale": 0, "outdated": 0, "deaf": 0}, 0, false)

	v := st.visitor()
	v.post(200, begin)
	for range 3 {
		v.get(200, func(s *session.Session) { count.Get(s) })
	}
	want(map[string]int64{"hit": 3, "absent": 0, "stale": 0, "outdated": 0, "deaf": 0}, 1, true)
	if n := st.copiesServed(); n != 3 {
		t.Errorf("%d ages of copies are recorded; want 3", n)
	}
	if err := registration.Unregister(); err != nil {
		t.Error(err)
	}
	if got, _, _ := readCacheMetrics(t, reader); len(got) > 0 {
		t.Errorf("after Unregister: %v", got)
	}
}

// useReadCache gives st a Manager over p that has copies.
func (st *site) useReadCache(p provider.Provider) {
	st.t.Helper()
	var err error
	st.Manager, err = session.New(p, session.Config{
		SigningKeys: [][]byte{make([]byte, 32)}, StoreTimeout: time.Minute, Observer: st.observer,
		ReadCache: session.ReadCache{MaxStale: time.Hour},
	})
	if err != nil {
		st.t.Fatal(err)
	}
}

// silent is a store that cannot broadcast, so that copies are used at once.
type silent struct{ provider.Provider }

// readCacheMetrics returns the values of the metrics, requests by result.
func readCacheMetrics(t *testing.T, reader *metric.ManualReader) (requests map[string]int64, copies, size int64) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	requests = map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum := m.Data.(metricdata.Sum[int64])
			switch m.Name + " in " + m.Unit {
			case "holdfast.session.read_cache.requests in {request}":
				for _, point := range sum.DataPoints {
					result, _ := point.Attributes.Value("holdfast.session.read_cache.result")
					requests[result.AsString()] = point.Value
				}
				if !sum.IsMonotonic {
					t.Errorf("%s is no counter", m.Name)
				}
			case "holdfast.session.read_cache.copies in {copy}":
				copies = sum.DataPoints[0].Value
			case "holdfast.session.read_cache.size in By":
				size = sum.DataPoints[0].Value
			default:
				t.Errorf("got %s in %q", m.Name, m.Unit)
			}
		}
	}
	return requests, copies, size
}

// copiesServed returns how many ages of copies were recorded.
func (st *site) copiesServed() (n uint64) {
	st.t.Helper()
	for _, point := range st.ages() {
		n += point.Count
	}
	return n
}

func (st *site) ages() []metricdata.HistogramDataPoint[float64] {
	st.t.Helper()
	for _, m := range st.collect() {
		if m.Name == "holdfast.session.read_cache.age" && m.Unit == "s" {
			return m.Data.(metricdata.Histogram[float64]).DataPoints
		}
	}
	return nil
}

func TestAgesOfCopies(t *testing.T) {
	st := newSite(t)
	st.observe(session.Event{Op: session.OpLoad, PublicID: "h", Age: 1500 * time.Millisecond})
	st.observe(session.Event{Op: session.OpLoad, PublicID: "h"}) // which has read the store
	points := st.ages()
	if len(points) != 1 || points[0].Sum != 1.5 || points[0].Count != 1 {
		t.Fatalf("%+v", points)
	}
	if set := points[0].Attributes; !set.Equals(attribute.EmptySet()) {
		t.Errorf("attributes %v", set.ToSlice())
	}
	if !slices.Contains(points[0].Bounds, 1) {
		t.Errorf("buckets %v", points[0].Bounds)
	}
}
