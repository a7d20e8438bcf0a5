package otelholdfast_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/session"
)

var event = session.Event{
	Op:       session.OpSave,
	PublicID: "2f6a5d5b0c8e4f2d9b1a7c3e5d8f0a1b2c4d6e8f0a1b3c5d7e9f1a2b4c6d8e0f",
	Start:    time.Now(),
	Duration: time.Millisecond,
	Attempts: 1,
}

// What one event costs. A request that changes its session has two.
func BenchmarkObserver(b *testing.B) {
	sdkMeters := func() metric.MeterProvider {
		return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	}
	sdkTracers := func(sampler sdktrace.Sampler) trace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithBatcher(discard{}))
	}
	for _, bm := range []struct {
		name    string
		meters  metric.MeterProvider
		tracers trace.TracerProvider
	}{
		{"without an SDK", nil, nil},
		{"metrics", sdkMeters(), tracenoop.NewTracerProvider()},
		{"metrics, trace not sampled", sdkMeters(), sdkTracers(sdktrace.NeverSample())},
		{"metrics and spans", sdkMeters(), sdkTracers(sdktrace.AlwaysSample())},
		{"spans", metricnoop.NewMeterProvider(), sdkTracers(sdktrace.AlwaysSample())},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ctx, observer := b.Context(), newObserver(b, bm.meters, bm.tracers)
			if bm.tracers != nil {
				var span trace.Span
				ctx, span = bm.tracers.Tracer("bench").Start(ctx, "request")
				defer span.End()
			}
			b.ReportAllocs()
			for b.Loop() {
				observer(ctx, event)
			}
		})
	}
}

func newObserver(b *testing.B, meters metric.MeterProvider, tracers trace.TracerProvider) func(context.Context, session.Event) {
	b.Helper()
	var opts []otelholdfast.Option
	if meters != nil {
		opts = append(opts, otelholdfast.WithMeterProvider(meters), otelholdfast.WithTracerProvider(tracers))
	}
	observer, err := otelholdfast.Observer(opts...)
	if err != nil {
		b.Fatal(err)
	}
	return observer
}

// discard is an exporter that costs nothing.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }
