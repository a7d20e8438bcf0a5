package otelholdfast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/holdfast-go/holdfast/provider"
)

// ObservePurges records metrics of p's removal of expired records, if this program calls
// Purge or PurgeEvery: see "Metrics" in the documentation of the package. Its options are
// those of Observer; it creates no spans. The metrics of several Providers of a program need
// meter providers of their own. Unregister ends the recording. It returns an error if the
// meter provider refuses an instrument.
func ObservePurges(p provider.Purger, opts ...Option) (metric.Registration, error) {
	cfg := config{meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&cfg)
	}
	meter, begun := cfg.meter(), time.Now()
	var errs [3]error
	age, err := meter.Float64ObservableGauge("holdfast.session.purge.age",
		metric.WithUnit("s"),
		metric.WithDescription("Time since the last Purge without an error or, if there was none, since the recording began."))
	errs[0] = err
	removed, err := meter.Int64ObservableCounter("holdfast.session.purge.removed",
		metric.WithUnit("{record}"),
		metric.WithDescription("Number of expired records that Purge has removed."))
	errs[1] = err
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := p.PurgeStats()
		last := st.Last
		if last.IsZero() {
			last = begun
		}
		o.ObserveFloat64(age, time.Since(last).Seconds())
		o.ObserveInt64(removed, st.Removed)
		return nil
	}, age, removed)
	errs[2] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otelholdfast: %w", err)
	}
	return registration, nil
}
