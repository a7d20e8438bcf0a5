package otelholdfast_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Two requests of a visitor, and what the metrics say of them.
func ExampleObserver() {
	reader := metric.NewManualReader() // in place of an exporter, to see what it would get
	observer, err := otelholdfast.Observer(
		otelholdfast.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))),
	)
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(memory.New(), session.Config{Observer: observer})
	if err != nil {
		log.Fatal(err)
	}
	visits := session.NewKey[int]("visits")
	page := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
	})

	first := httptest.NewRecorder()
	page.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	again := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	page.ServeHTTP(httptest.NewRecorder(), again)

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		log.Fatal(err)
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		fmt.Println(m.Name, "in", m.Unit)
		durations, ok := m.Data.(metricdata.Histogram[float64])
		if !ok {
			continue
		}
		for _, point := range durations.DataPoints {
			name, _ := point.Attributes.Value("holdfast.session.operation.name")
			outcome, _ := point.Attributes.Value("holdfast.session.operation.outcome")
			fmt.Println(name.AsString(), outcome.AsString(), point.Count)
		}
	}
	// Unordered output:
	// holdfast.session.operation.duration in s
	// holdfast.session.created in {session}
	// save ok 2
	// load ok 1
}

// Metrics and spans on standard output. In production these are the exporters of
// OTLP, and otelhttp begins the request's span.
func ExampleObserver_exporters() {
	spans, err := stdouttrace.New(stdouttrace.WithWriter(io.Discard)) // os.Stdout is the default
	if err != nil {
		log.Fatal(err)
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(io.Discard))
	if err != nil {
		log.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metrics)))
	defer func() { // sends what is left
		fmt.Println(tracers.Shutdown(context.Background()), meters.Shutdown(context.Background()))
	}()

	observer, err := otelholdfast.Observer(
		otelholdfast.WithTracerProvider(tracers),
		otelholdfast.WithMeterProvider(meters),
	)
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(memory.New(), session.Config{Observer: observer})
	if err != nil {
		log.Fatal(err)
	}
	seen := session.NewKey[bool]("seen")
	page := sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { seen.Set(s, true) })

	ctx, request := tracers.Tracer("example").Start(context.Background(), "GET /")
	page.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil))
	request.End()
	// Output: <nil> <nil>
}
