package otelholdfast

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/session"
)

type tracer struct{ trace.Tracer }

// record adds e to the trace of ctx. It starts no trace, because an operation alone shows
// nothing that the metrics do not show.
func (t tracer) record(ctx context.Context, e session.Event) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	switch e.Op {
	case session.OpReplay:
		addEvent(parent, "holdfast.session.replay", e, runsKey.Int(e.Attempts))
	case session.OpUndecodable:
		addEvent(parent, "holdfast.session.undecodable_value", e, keyKey.String(e.Key))
	case session.OpLeaseExpired:
		addEvent(parent, "holdfast.session.expired_lease", e, keyKey.String(e.Key))
	case session.OpFault:
		addEvent(parent, "holdfast.session.fault", e, faultKey.String(string(e.Fault)))
	case session.OpCreate, session.OpEnd, session.OpRotate: // the operation that has caused it has a span
	default:
		t.operation(ctx, e)
	}
}

func (t tracer) operation(ctx context.Context, e session.Event) {
	l := labelsOf(e)
	kvs := withPublicID(l.attributes(), e.PublicID)
	if e.Attempts > 1 {
		kvs = append(kvs, operationAttemptsKey.Int(e.Attempts))
	}
	if l.outcome == session.OutcomeConflict { // its text names keys and a remedy
		kvs = append(kvs, conflictKey.String(e.Err.Error()))
	}
	kvs = append(kvs, routeAttributes(e)...)
	_, span := t.Start(ctx, "session "+string(e.Op), trace.WithTimestamp(e.Start), trace.WithAttributes(kvs...))
	switch {
	case l.outcome == session.OutcomeFailed: // its error may quote a response with a token
		span.SetStatus(codes.Error, "the function of Key.Refresh has failed")
	case l.errorType != "":
		span.SetStatus(codes.Error, e.Err.Error())
	}
	span.End(trace.WithTimestamp(e.Start.Add(e.Duration)))
}

// addEvent records e on the span of its request. OpenTelemetry plans to replace span
// events by logs, https://opentelemetry.io/blog/2026/deprecating-span-events/, which
// would require a third provider; package session already logs the important ones.
func addEvent(span trace.Span, name string, e session.Event, kv attribute.KeyValue) {
	span.AddEvent(name, trace.WithTimestamp(e.Start), trace.WithAttributes(withPublicID([]attribute.KeyValue{kv}, e.PublicID)...))
}

// withPublicID adds the session's public ID, if it has one.
func withPublicID(kvs []attribute.KeyValue, publicID string) []attribute.KeyValue {
	if publicID == "" {
		return kvs
	}
	return append(kvs, publicIDKey.String(publicID))
}
