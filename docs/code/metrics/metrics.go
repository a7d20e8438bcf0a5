// Package metrics is the code of docs/operating.md: metrics and spans of sessions.
package metrics

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// newSessions returns a Manager that reports to the program's global providers of metrics
// and traces.
func newSessions(store provider.Provider) (*session.Manager, error) {
	observer, err := otelholdfast.Observer()
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(store, session.Config{Observer: observer})
	if err != nil {
		return nil, err
	}
	_, errWatches := otelholdfast.ObserveWatches(sessions)
	_, errCopies := otelholdfast.ObserveReadCache(sessions)
	var errPurges error
	if purger, ok := store.(provider.Purger); ok { // PostgreSQL, MySQL, SQLite, etcd
		_, errPurges = otelholdfast.ObservePurges(purger)
	}
	return sessions, errors.Join(errWatches, errCopies, errPurges)
}

// servePrometheus adds the page that Prometheus reads. Call it before newSessions.
func servePrometheus(mux *http.ServeMux) error {
	exporter, err := prometheus.New()
	if err != nil {
		return err
	}
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(exporter)))
	mux.Handle("GET /metrics", promhttp.Handler()) // not for the public
	return nil
}
