package otelholdfast_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/session"
)

func TestMetrics(t *testing.T) {
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			st := newSite(t)
			scene.play(st.visitor())
			if len(scene.want) == 0 {
				st.wantNone()
				return
			}
			operations, more := st.counts()
			if want := slices.Sorted(slices.Values(scene.want)); !slices.Equal(operations, want) {
				t.Errorf("operations %q, want %q", operations, want)
			}
			if !slices.Equal(more, scene.more) {
				t.Errorf("counters %q, want %q", more, scene.more)
			}
		})
	}
}

// counts returns every operation that was counted, sorted, and the counters.
func (st *site) counts() (operations, counters []string) {
	st.t.Helper()
	for _, m := range st.collect() {
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, point := range data.DataPoints {
				operations = append(operations, slices.Repeat([]string{values(point.Attributes)}, int(point.Count))...)
			}
		case metricdata.Sum[int64]:
			name := m.Name[strings.LastIndex(m.Name, ".")+1:]
			if name == "created" || name == "ended" { // see TestMetricsOfLife
				continue
			}
			for _, point := range data.DataPoints {
				counters = append(counters, fmt.Sprint(strings.TrimSuffix(name, "_values"), " ", point.Value))
			}
		}
	}
	slices.Sort(operations)
	return operations, counters
}

// values returns the values of operation.name, operation.outcome and error.type.
// Any other attribute would make too many time series.
func values(set attribute.Set) string {
	var all []string
	for _, key := range []attribute.Key{"holdfast.session.operation.name", "holdfast.session.operation.outcome", "error.type"} {
		if v, ok := set.Value(key); ok {
			all = append(all, v.AsString())
		}
	}
	if len(all) != set.Len() {
		return "too many attributes: " + set.Encoded(attribute.DefaultEncoder())
	}
	return strings.Join(all, " ")
}

func (st *site) wantNone() {
	st.t.Helper()
	var all metricdata.ResourceMetrics
	if err := st.metrics.Collect(st.t.Context(), &all); err != nil {
		st.t.Fatal(err)
	}
	if len(all.ScopeMetrics) != 0 {
		st.t.Errorf("got %+v, want no metrics", all.ScopeMetrics)
	}
}

// What the documentation names is what dashboards are made of.
func TestInstruments(t *testing.T) {
	st := newSite(t)
	v := st.visitor()
	v.post(200, begin)
	v.post(200, v.merge)
	v.get(200, v.bump())
	v.post(200, func(s *session.Session) { countAsText.Get(s) })
	st.observe(session.Event{Op: session.OpLeaseExpired, Key: "token"})
	v.post(200, (*session.Session).Destroy)

	st.observe(session.Event{Op: session.OpFault, Fault: session.FaultVanished})
	want := map[string]string{
		"holdfast.session.operation.duration": "s",
		"holdfast.session.conflicts":          "{conflict}",
		"holdfast.session.faults":             "{fault}",
		"holdfast.session.operation.retries":  "{retry}",
		"holdfast.session.replays":            "{replay}",
		"holdfast.session.undecodable_values": "{value}",
		"holdfast.session.expired_leases":     "{lease}",
		"holdfast.session.created":            "{session}",
		"holdfast.session.ended":              "{session}",
	}
	for _, m := range st.collect() {
		if unit, ok := want[m.Name]; !ok || unit != m.Unit || m.Description == "" {
			t.Errorf("got %s in %q, %q", m.Name, m.Unit, m.Description)
		}
		delete(want, m.Name)
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && !sum.IsMonotonic {
			t.Errorf("%s is no counter", m.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestDurationsAreSeconds(t *testing.T) {
	st := newSite(t)
	st.observe(session.Event{Op: session.OpTouch, Duration: 250 * time.Millisecond})
	data := st.collect()[0].Data.(metricdata.Histogram[float64])
	if sum := data.DataPoints[0].Sum; sum != 0.25 {
		t.Errorf("sum %v, want 0.25", sum)
	}
	if bounds := data.DataPoints[0].Bounds; !slices.Equal(bounds, []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}) {
		t.Errorf("buckets %v, which are not those of the conventions for databases", bounds)
	}
}

// The path of every request makes no garbage, whatever becomes of it.
func TestMetricsAllocateNothing(t *testing.T) {
	st := newSite(t)
	for _, op := range []session.Op{"load", "save", "touch", "renew", "destroy", "revoke", "replay", "undecodable", "refresh", "lease_wait", "lease_expired"} {
		for _, err := range []error{nil, session.ErrConflict, session.ErrEnded, session.ErrUnavailable, session.ErrTooLarge} {
			for _, publicID := range []string{"", "h"} {
				e := session.Event{Op: op, PublicID: publicID, Attempts: 2, Age: time.Second, Err: err}
				if n := testing.AllocsPerRun(100, func() { st.observe(e) }); n >= 1 {
					t.Errorf("%s %s: %v allocations", op, e.Outcome(), n)
				}
			}
		}
	}
}

// An Op of a later version of session is told of all the same.
func TestUnforeseenOp(t *testing.T) {
	st := newSite(t)
	st.observe(session.Event{Op: "import", PublicID: "h", Attempts: 3})
	operations, more := st.counts()
	if !slices.Equal(operations, []string{"import merged"}) || !slices.Equal(more, []string{"retries 2"}) {
		t.Errorf("got %q, %q", operations, more)
	}
}

func TestGlobalProvidersAreTheDefault(t *testing.T) {
	reader := metric.NewManualReader()
	before := otel.GetMeterProvider()
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	observer, err := otelholdfast.Observer()
	if err != nil {
		t.Fatal(err)
	}
	observer(t.Context(), session.Event{Op: session.OpLoad})
	st := &site{t: t, metrics: reader}
	if operations, _ := st.counts(); !slices.Equal(operations, []string{"load none"}) {
		t.Errorf("got %q", operations)
	}
}

// A session that was renewed goes on, and one that was rotated as well.
func TestMetricsOfLife(t *testing.T) {
	st := newSite(t)
	st.observer(t.Context(), session.Event{Op: session.OpRotate})
	st.observer(t.Context(), session.Event{Op: session.OpEnd, EndReason: session.EndTheft})
	v := st.visitor()
	v.post(200, begin)
	v.post(200, (*session.Session).Renew)
	v.post(200, (*session.Session).Destroy)
	got := map[string]int64{}
	for _, m := range st.collect() {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
			for _, point := range sum.DataPoints {
				got[m.Name+" "+point.Attributes.Encoded(attribute.DefaultEncoder())] = point.Value
			}
		}
	}
	want := map[string]int64{
		"holdfast.session.created ":                                    1,
		"holdfast.session.rotated ":                                    1,
		"holdfast.session.ended holdfast.session.end.reason=theft":     1,
		"holdfast.session.ended holdfast.session.end.reason=renewed":   1,
		"holdfast.session.ended holdfast.session.end.reason=destroyed": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v; want %v", got, want)
	}
}
