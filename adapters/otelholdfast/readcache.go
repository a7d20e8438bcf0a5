package otelholdfast

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/holdfast-go/holdfast/session"
)

// readCacheResultKey is the attribute that says whether a copy was used, and if not, why.
const readCacheResultKey = attribute.Key("holdfast.session.read_cache.result")

// ObserveReadCache records metrics of m's copies of records, session.Config.ReadCache: see
// "Metrics" in the documentation of the package. Their ages are among the metrics of
// Observer. Its options are those of Observer; it creates no spans. The metrics of several
// Managers of a program need meter providers of their own. Unregister ends the recording.
// It returns an error if the meter provider refuses an instrument.
func ObserveReadCache(m *session.Manager, opts ...Option) (metric.Registration, error) {
	cfg := config{meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&cfg)
	}
	meter := cfg.meter()
	var errs [4]error
	requests, err := meter.Int64ObservableCounter("holdfast.session.read_cache.requests",
		metric.WithUnit("{request}"),
		metric.WithDescription("Number of requests that could be served from a copy, by whether they were."))
	errs[0] = err
	copies, err := meter.Int64ObservableUpDownCounter("holdfast.session.read_cache.copies",
		metric.WithUnit("{copy}"),
		metric.WithDescription("Number of copies of records."))
	errs[1] = err
	size, err := meter.Int64ObservableUpDownCounter("holdfast.session.read_cache.size",
		metric.WithUnit("By"),
		metric.WithDescription("About the memory that the copies take."))
	errs[2] = err
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := m.ReadCacheStats()
		for i, n := range []int64{st.Hits, st.Absent, st.Stale, st.Outdated, st.Deaf} {
			o.ObserveInt64(requests, n, readCacheResults[i])
		}
		o.ObserveInt64(copies, int64(st.Copies))
		o.ObserveInt64(size, int64(st.Bytes))
		return nil
	}, requests, copies, size)
	errs[3] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otelholdfast: %w", err)
	}
	return registration, nil
}

// readCacheResults are the attributes of the numbers of session.ReadCacheStats.
var readCacheResults = [...]metric.MeasurementOption{
	readCacheResult("hit"), readCacheResult("absent"), readCacheResult("stale"), readCacheResult("outdated"), readCacheResult("deaf"),
}

func readCacheResult(name string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(readCacheResultKey.String(name)))
}
