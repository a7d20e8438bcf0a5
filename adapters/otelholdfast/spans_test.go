package otelholdfast_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/session"
)

func TestSpans(t *testing.T) {
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			st := newSite(t)
			scene.play(st.visitor())
			var operations, events []string
			for _, span := range st.traces.Ended() {
				if span.InstrumentationScope().Name == "test" {
					events = append(events, eventsOf(span)...)
					continue
				}
				operations = append(operations, values(labelsOf(span)))
				wantWellFormed(t, span)
			}
			if !slices.Equal(operations, scene.want) {
				t.Errorf("operations %q, want %q", operations, scene.want)
			}
			if got := strings.Join(events, ", "); got != scene.event {
				t.Errorf("events %q, want %q", got, scene.event)
			}
		})
	}
}

// labelsOf returns the attributes of span that its metrics have as well.
func labelsOf(span sdktrace.ReadOnlySpan) attribute.Set {
	set, _ := attribute.NewSetWithFiltered(span.Attributes(), func(kv attribute.KeyValue) bool {
		return kv.Key != "holdfast.session.public_id" && kv.Key != "holdfast.session.operation.attempts" && kv.Key != "holdfast.session.conflict"
	})
	return set
}

func eventsOf(span sdktrace.ReadOnlySpan) (all []string) {
	for _, e := range span.Events() {
		set, _ := attribute.NewSetWithFiltered(e.Attributes, func(kv attribute.KeyValue) bool { return kv.Key != "holdfast.session.public_id" })
		all = append(all, e.Name+" "+set.Encoded(attribute.DefaultEncoder()))
	}
	return all
}

// wantWellFormed checks what holds for every span of an operation.
func wantWellFormed(t *testing.T, span sdktrace.ReadOnlySpan) {
	t.Helper()
	set := attribute.NewSet(span.Attributes()...)
	op, _ := set.Value("holdfast.session.operation.name")
	outcome, _ := set.Value("holdfast.session.operation.outcome")
	attempts, retried := set.Value("holdfast.session.operation.attempts")
	switch {
	case span.Name() != "session "+op.AsString():
		t.Errorf("span %q of the operation %q", span.Name(), op.AsString())
	case span.SpanKind() != trace.SpanKindInternal:
		t.Errorf("%s: kind %v", span.Name(), span.SpanKind())
	case !span.Parent().IsValid() || span.Parent().TraceID() != span.SpanContext().TraceID():
		t.Errorf("%s: not in the request's trace", span.Name())
	case set.HasValue("error.type") != (span.Status().Code == codes.Error):
		t.Errorf("%s: status %v, attributes %v", span.Name(), span.Status(), span.Attributes())
	case span.Status().Code == codes.Ok:
		t.Errorf("%s: status Ok, which is the app's to set", span.Name())
	case retried != (outcome.AsString() == "merged") || retried && attempts.AsInt64() != 2:
		t.Errorf("%s: attempts %v, %s", span.Name(), attempts.AsInt64(), outcome.AsString())
	case op.AsString() != "load" && !strings.Contains(outcome.AsString(), "ended") && outcome.AsString() != "refused" && !set.HasValue("holdfast.session.public_id"):
		t.Errorf("%s %s has no public ID", span.Name(), outcome.AsString())
	}
}

func TestSpanHasTheTimesAndTheErrorOfItsEvent(t *testing.T) {
	st := newSite(t)
	start := time.Now().Add(-time.Hour)
	err := fmt.Errorf("%w: %w", session.ErrUnavailable, errDown)
	st.observeIn("request", session.Event{Op: session.OpSave, PublicID: "h", Start: start, Duration: 3 * time.Second, Attempts: 1, Err: err})
	span := st.traces.Ended()[0]
	if !span.StartTime().Equal(start) || span.EndTime().Sub(start) != 3*time.Second {
		t.Errorf("from %v to %v", span.StartTime(), span.EndTime())
	}
	if got := span.Status(); got.Code != codes.Error || got.Description != err.Error() {
		t.Errorf("status %+v", got)
	}
	if span.Parent().SpanID() != st.traces.Ended()[1].SpanContext().SpanID() {
		t.Error("not the child of the context's span")
	}
}

func TestNoSpanWithoutARecordedParent(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		st := newSite(t)
		st.observe(session.Event{Op: session.OpSave})
		st.observe(session.Event{Op: session.OpReplay})
		if got := st.traces.Started(); len(got) != 0 {
			t.Errorf("began %v", got)
		}
	})
	t.Run("not sampled", func(t *testing.T) {
		st := newSite(t, sdktrace.WithSampler(sdktrace.NeverSample()))
		st.observeIn("request", session.Event{Op: session.OpSave})
		if got := st.traces.Started(); len(got) != 0 {
			t.Errorf("began %v", got)
		}
	})
}

func TestErrorType(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{session.ErrConflict, ""},
		{session.ErrEnded, ""},
		{session.ErrTooManySessions, ""},
		{fmt.Errorf("%w: %w", session.ErrUnavailable, context.Canceled), ""},
		{fmt.Errorf("%w: %w", session.ErrOutcomeUnknown, context.Canceled), "outcome_unknown"},
		{session.ErrOutcomeUnknown, "outcome_unknown"},
		{fmt.Errorf("%w: %w", session.ErrUnavailable, context.DeadlineExceeded), "unavailable"},
		{session.ErrUnreadable, "unreadable"},
		{session.ErrTooLarge, "too_large"},
		{fmt.Errorf("%w: key", session.ErrEncode), "encode"},
		{session.ErrHeaderSent, "header_sent"},
		{session.ErrRequestDone, "request_done"},
		{errors.New("another"), "_OTHER"},
	} {
		st := newSite(t)
		st.observeIn("request", session.Event{Op: session.OpSave, Err: c.err})
		set := attribute.NewSet(st.traces.Ended()[0].Attributes()...)
		got, _ := set.Value("error.type")
		if got.AsString() != c.want {
			t.Errorf("%v: error.type %q, want %q", c.err, got.AsString(), c.want)
		}
	}
}

// The error of a function of Refresh is the app's, and may quote a response with a token.
func TestErrorOfAFunctionIsNotTold(t *testing.T) {
	st := newSite(t)
	v := st.visitor()
	v.post(200, begin)
	v.post(200, func(s *session.Session) { refresh(v, s, errors.New(secret)) })
	failed := 0
	for _, span := range st.traces.Ended() {
		if told := fmt.Sprint(span.Status(), span.Attributes(), span.Events()); strings.Contains(told, secret) {
			t.Errorf("%s: %s", span.Name(), told)
		}
		if span.Name() == "session refresh" && span.Status().Description != "" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d spans of a failure", failed)
	}
}

func TestExpiredLeaseIsAnEvent(t *testing.T) {
	st := newSite(t)
	st.observeIn("request", session.Event{Op: session.OpLeaseExpired, PublicID: "h", Key: "token"})
	events := st.traces.Ended()[0].Events()
	if len(events) != 1 || events[0].Name != "holdfast.session.expired_lease" {
		t.Errorf("got %v", events)
	}
}
