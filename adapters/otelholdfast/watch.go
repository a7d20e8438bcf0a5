package otelholdfast

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/holdfast-go/holdfast/session"
)

// ObserveWatches records metrics of what m does for session.Session.Watch: see "Metrics"
// in the documentation of the package. Its options are those of Observer; it creates no
// spans. The metrics of several Managers of a program need meter providers of their own.
// Unregister ends the recording. It returns an error if the meter provider refuses an
// instrument.
func ObserveWatches(m *session.Manager, opts ...Option) (metric.Registration, error) {
	cfg := config{meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&cfg)
	}
	meter := cfg.meter()
	var errs [4]error
	contexts, err := meter.Int64ObservableUpDownCounter("holdfast.session.watch.contexts",
		metric.WithUnit("{context}"),
		metric.WithDescription("Number of contexts of Watch that have not ended."))
	errs[0] = err
	sessions, err := meter.Int64ObservableUpDownCounter("holdfast.session.watch.sessions",
		metric.WithUnit("{session}"),
		metric.WithDescription("Number of sessions that are watched."))
	errs[1] = err
	listeners, err := meter.Int64ObservableUpDownCounter("holdfast.session.watch.listeners",
		metric.WithUnit("{listener}"),
		metric.WithDescription("1 while messages of other instances are heard, and 0 otherwise."))
	errs[2] = err
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := m.WatchStats()
		o.ObserveInt64(contexts, int64(st.Contexts))
		o.ObserveInt64(sessions, int64(st.Sessions))
		heard := int64(0)
		if st.Listening {
			heard = 1
		}
		o.ObserveInt64(listeners, heard)
		return nil
	}, contexts, sessions, listeners)
	errs[3] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otelholdfast: %w", err)
	}
	return registration, nil
}
