package otelholdfast

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/holdfast-go/holdfast/session"
)

// seconds are the buckets that the conventions recommend for database calls, which take
// most of the time: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
var seconds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}

// ages are the buckets for the ages of copies, which are a few seconds old at most in most
// apps.
var ages = []float64{0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60}

type instruments struct {
	duration    metric.Float64Histogram
	age         metric.Float64Histogram
	retries     metric.Int64Counter
	replays     metric.Int64Counter
	undecodable metric.Int64Counter
	expired     metric.Int64Counter
	created     metric.Int64Counter
	ended       metric.Int64Counter
	rotated     metric.Int64Counter
	conflicts   metric.Int64Counter
	faults      metric.Int64Counter
	routes      routes
	options     map[labels]options
}

func newInstruments(meter metric.Meter) (*instruments, error) {
	in := &instruments{options: foreseen()}
	var errs [11]error
	in.duration, errs[0] = meter.Float64Histogram("holdfast.session.operation.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of session operations."),
		metric.WithExplicitBucketBoundaries(seconds...))
	in.retries, errs[1] = meter.Int64Counter("holdfast.session.operation.retries",
		metric.WithUnit("{retry}"),
		metric.WithDescription("Number of times a session operation was tried again because a parallel request was first."))
	in.replays, errs[2] = meter.Int64Counter("holdfast.session.replays",
		metric.WithUnit("{replay}"),
		metric.WithDescription("Number of times a handler, or the closure of an Update, ran again because of a conflict."))
	in.undecodable, errs[3] = meter.Int64Counter("holdfast.session.undecodable_values",
		metric.WithUnit("{value}"),
		metric.WithDescription("Number of stored values that did not decode and were read as absent."))
	in.created, errs[4] = meter.Int64Counter("holdfast.session.created",
		metric.WithUnit("{session}"),
		metric.WithDescription("Number of sessions that have begun; a renewal begins none."))
	in.ended, errs[5] = meter.Int64Counter("holdfast.session.ended",
		metric.WithUnit("{session}"),
		metric.WithDescription("Number of sessions whose end was noticed."))
	in.age, errs[6] = meter.Float64Histogram("holdfast.session.read_cache.age",
		metric.WithUnit("s"),
		metric.WithDescription("Maximum age of the copies that requests were served from."),
		metric.WithExplicitBucketBoundaries(ages...))
	in.expired, errs[7] = meter.Int64Counter("holdfast.session.expired_leases",
		metric.WithUnit("{lease}"),
		metric.WithDescription("Number of leases of Key.Refresh that were taken over because their holder did not give them up in time."))
	in.rotated, errs[8] = meter.Int64Counter("holdfast.session.rotated",
		metric.WithUnit("{cookie}"),
		metric.WithDescription("Number of times a visitor was given a new cookie of the same session."))
	in.conflicts, errs[9] = meter.Int64Counter("holdfast.session.conflicts",
		metric.WithUnit("{conflict}"),
		metric.WithDescription("Number of commits that were refused because a parallel request changed what they had read."))
	in.faults, errs[10] = meter.Int64Counter("holdfast.session.faults",
		metric.WithUnit("{fault}"),
		metric.WithDescription("Number of times a fault was met that an operator has to mend."))
	return in, errors.Join(errs[:]...)
}

func (in *instruments) record(ctx context.Context, e session.Event) {
	switch e.Op {
	case session.OpReplay:
		in.replays.Add(ctx, 1)
	case session.OpUndecodable:
		in.undecodable.Add(ctx, 1)
	case session.OpLeaseExpired:
		in.expired.Add(ctx, 1)
	case session.OpCreate:
		in.created.Add(ctx, 1)
	case session.OpRotate:
		in.rotated.Add(ctx, 1)
	case session.OpEnd:
		in.ended.Add(ctx, 1, metric.WithAttributes(endReasonKey.String(string(e.EndReason))))
	case session.OpFault:
		in.faults.Add(ctx, 1, metric.WithAttributes(faultKey.String(string(e.Fault))))
	default:
		in.operation(ctx, e)
	}
	if e.Age > 0 {
		in.age.Record(ctx, e.Age.Seconds())
	}
}

func (in *instruments) operation(ctx context.Context, e session.Event) {
	if !in.duration.Enabled(ctx) && !in.retries.Enabled(ctx) {
		return
	}
	l := labelsOf(e)
	opts, ok := in.options[l]
	if !ok {
		opts = newOptions(l)
	}
	in.duration.Record(ctx, e.Duration.Seconds(), opts.record...)
	if l.outcome == session.OutcomeConflict {
		in.conflicts.Add(ctx, 1, in.routes.options(e)...)
	}
	if e.Attempts > 1 {
		in.retries.Add(ctx, int64(e.Attempts-1), opts.add...)
	}
}

// routes keeps the options for the routes of conflicts, of which an app has as many as it has
// patterns. The zero routes are empty.
type routes struct{ known sync.Map }

func (r *routes) options(e session.Event) []metric.AddOption {
	if known, ok := r.known.Load(e.Route); ok {
		return known.([]metric.AddOption)
	}
	opts := []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(routeAttributes(e)...))}
	r.known.Store(e.Route, opts)
	return opts
}

// options are labels in the form that the instruments take.
type options struct {
	record []metric.RecordOption
	add    []metric.AddOption
}

func newOptions(l labels) options {
	opt := metric.WithAttributeSet(attribute.NewSet(l.attributes()...))
	return options{[]metric.RecordOption{opt}, []metric.AddOption{opt}}
}

// foreseen returns the options for all labels that events can have, so that no attribute
// sets are created during requests.
func foreseen() map[labels]options {
	errs := []error{
		nil, session.ErrConflict, session.ErrEnded, session.ErrTooManySessions, session.ErrUnproven, context.Canceled, errors.New("another"),
	}
	for _, f := range failures {
		errs = append(errs, f.err)
	}
	all := map[labels]options{}
	failed := labels{session.OpRefresh, session.OutcomeFailed, functionFailed}
	fenced := labels{op: session.OpRefresh, outcome: session.OutcomeFenced}
	all[failed], all[fenced] = newOptions(failed), newOptions(fenced)
	for _, op := range []session.Op{
		session.OpLoad, session.OpSave, session.OpTouch, session.OpRenew, session.OpDestroy, session.OpRevoke,
		session.OpRefresh, session.OpLeaseWait, session.OpBind, session.OpProve,
	} {
		for _, e := range []session.Event{{}, {PublicID: "any"}, {PublicID: "any", Attempts: 2}} {
			for _, e.Err = range errs {
				e.Op = op
				l := labelsOf(e)
				all[l] = newOptions(l)
			}
		}
	}
	return all
}
