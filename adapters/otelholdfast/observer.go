package otelholdfast

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/session"
)

// scope is the name of the instrumentation: its import path.
const scope = "github.com/holdfast-go/holdfast/adapters/otelholdfast"

// version is that of this module. A program knows it from its build information only if the
// module is neither replaced nor part of a workspace.
const version = "0.1.0"

// Observer returns a function for session.Config.Observer. Without options it uses
// OpenTelemetry's global providers, which may be set later. It returns an error if the
// meter provider refuses an instrument.
func Observer(opts ...Option) (func(context.Context, session.Event), error) {
	cfg := config{meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider()}
	for _, opt := range opts {
		opt(&cfg)
	}
	in, err := newInstruments(cfg.meter())
	if err != nil {
		return nil, fmt.Errorf("otelholdfast: %w", err)
	}
	spans := tracer{cfg.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL), trace.WithInstrumentationVersion(version))}
	return func(ctx context.Context, e session.Event) {
		in.record(ctx, e)
		spans.record(ctx, e)
	}, nil
}

// Option configures Observer.
type Option func(*config)

type config struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
}

func (cfg *config) meter() metric.Meter {
	return cfg.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL), metric.WithInstrumentationVersion(version))
}

// WithMeterProvider makes Observer record metrics with p instead of the global provider.
// To disable metrics, use the provider of go.opentelemetry.io/otel/metric/noop.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(cfg *config) { cfg.meters = p }
}

// WithTracerProvider makes Observer record spans with p instead of the global provider.
// To disable spans, use the provider of go.opentelemetry.io/otel/trace/noop.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(cfg *config) { cfg.tracers = p }
}
