package otelholdfast

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/holdfast-go/holdfast/session"
)

// These attributes have no name in the conventions.
const (
	operationNameKey     = attribute.Key("holdfast.session.operation.name")
	operationOutcomeKey  = attribute.Key("holdfast.session.operation.outcome")
	operationAttemptsKey = attribute.Key("holdfast.session.operation.attempts")
	publicIDKey          = attribute.Key("holdfast.session.public_id")
	endReasonKey         = attribute.Key("holdfast.session.end.reason")
	faultKey             = attribute.Key("holdfast.session.fault")
	conflictKey          = attribute.Key("holdfast.session.conflict")
	keyKey               = attribute.Key("holdfast.session.key")
	runsKey              = attribute.Key("holdfast.session.replay.runs")
)

// labels are the attributes that the metrics and the span of an operation share. Each has
// few values.
type labels struct {
	op        session.Op
	outcome   session.Outcome
	errorType string // "" if it did not fail
}

func labelsOf(e session.Event) labels {
	l := labels{op: e.Op, outcome: e.Outcome(), errorType: errorType(e)}
	if l.outcome == session.OutcomeFailed {
		l.errorType = functionFailed // whatever the function of the app has returned
	}
	return l
}

// functionFailed is the error.type of a Refresh whose function has failed.
const functionFailed = "function_failed"

func (l labels) attributes() []attribute.KeyValue {
	kvs := []attribute.KeyValue{
		operationNameKey.String(string(l.op)),
		operationOutcomeKey.String(string(l.outcome)),
	}
	if l.errorType != "" {
		kvs = append(kvs, semconv.ErrorTypeKey.String(l.errorType))
	}
	return kvs
}

// routeAttributes returns the route of e, if it has one.
func routeAttributes(e session.Event) []attribute.KeyValue {
	if e.Route == "" {
		return nil
	}
	return []attribute.KeyValue{semconv.HTTPRoute(e.Route)}
}

// failures are the errors that are not caused by the visitor. ErrOutcomeUnknown is an
// ErrUnavailable as well, so it comes first.
var failures = []struct {
	err       error
	errorType string
}{
	{session.ErrOutcomeUnknown, "outcome_unknown"},
	{session.ErrRequestDone, "request_done"},
	{session.ErrUnavailable, "unavailable"},
	{session.ErrUnreadable, "unreadable"},
	{session.ErrTooLarge, "too_large"},
	{session.ErrEncode, "encode"},
	{session.ErrHeaderSent, "header_sent"},
}

func errorType(e session.Event) string {
	err := e.Err
	if err == nil || visitors(err) || refusesDevice(e) {
		return ""
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.errorType
		}
	}
	return semconv.ErrorTypeOther.Value.AsString()
}

// refusesDevice reports whether e is a request without the proof that its session is bound
// to, or a registration or a proof that was refused.
func refusesDevice(e session.Event) bool {
	switch e.Outcome() {
	case session.OutcomeUnproven, session.OutcomeUnbound, session.OutcomeChallenged:
		return true
	case session.OutcomeRefused:
		return e.Op == session.OpBind || e.Op == session.OpProve
	}
	return false
}

// visitors reports whether err is caused by the visitor: it answers 409, or the visitor
// has disconnected.
func visitors(err error) bool {
	return session.StatusCode(err) < http.StatusInternalServerError ||
		errors.Is(err, context.Canceled) && !errors.Is(err, session.ErrOutcomeUnknown)
}
