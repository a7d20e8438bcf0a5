// Package otelholdfast makes OpenTelemetry metrics and spans of what Holdfast's
// sessions do:
//
//	observer, err := otelholdfast.Observer()
//	if err != nil {
//		log.Fatal(err)
//	}
//	sessions, err := session.New(store, session.Config{Observer: observer})
//
// It is a module of its own, so that those who do not use OpenTelemetry do not
// have it in their build.
//
// # Metrics
//
//	holdfast.session.operation.duration   histogram, s        loads, saves, touches, renewals, logouts, revocations
//	holdfast.session.operation.retries    counter, {retry}    how often they were tried again, since others were first
//	holdfast.session.replays              counter, {replay}   handlers and closures of Update that ran again
//	holdfast.session.undecodable_values   counter, {value}    stored values that were read as absent
//
// The first two have these attributes:
//
//	holdfast.session.operation.name      load, save, touch, renew, destroy, revoke: see session.Op
//	holdfast.session.operation.outcome   ok, merged, conflict, ended and so on: see session.OutcomeOK
//	error.type                           of a failure: see below
//
// The key of an undecodable value is not among them: an app may make the names of its
// keys as it runs, and each would be a time series. The log line and the trace have it.
//
// # Spans
//
// Every operation is an internal span, "session load" for one, below the span of
// its context if that is recorded, with the attributes above,
// holdfast.session.public_id and, if it was tried more than once,
// holdfast.session.operation.attempts. A replay and an undecodable value are
// events of the context's span, holdfast.session.replay and
// holdfast.session.undecodable_value. The public ID is a session's public name;
// cookies and values are never in there.
//
// Spans are made when the operation is over. So what a database driver tells of
// it is beside the operation's span, not below, and a span that was begun inside
// of Manager.Handler is the parent of loads, not of saves. Put the middleware that begins the
// request's span, such as otelhttp, outside of Manager.Handler.
//
// # Errors
//
// An error that answers 409 is the visitor's affair, like any 4xx in the
// [conventions for HTTP servers]: the outcome tells it, the span's status stays
// unset. So it is with a renewal that was given up because the visitor hung up.
// Other errors set the status and, as the [conventions for errors] want it, one
// error.type on metric and span alike:
//
//	outcome_unknown   session.ErrOutcomeUnknown
//	unavailable       session.ErrUnavailable
//	unreadable        session.ErrUnreadable
//	too_large         session.ErrTooLarge
//	encode            session.ErrEncode
//	header_sent       session.ErrHeaderSent
//	request_done      session.ErrRequestDone
//	_OTHER            any other
//
// Names are of Holdfast's own namespace, as the [conventions for names] want it.
// session.id of the [conventions for sessions] is not used: it means what a
// browser or an app tracks, across logins and without any cookie.
//
// [conventions for HTTP servers]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
// [conventions for errors]: https://opentelemetry.io/docs/specs/semconv/general/recording-errors/
// [conventions for names]: https://opentelemetry.io/docs/specs/semconv/general/naming/
// [conventions for sessions]: https://opentelemetry.io/docs/specs/semconv/general/session/
package otelholdfast
