// Package otelholdfast records OpenTelemetry metrics and spans of the operations of
// Holdfast's sessions:
//
//	observer, err := otelholdfast.Observer()
//	if err != nil {
//		log.Fatal(err)
//	}
//	sessions, err := session.New(store, session.Config{Observer: observer})
//
// It is a separate module, so that programs without OpenTelemetry do not depend on it.
//
// # Metrics
//
//	holdfast.session.operation.duration   histogram, s        loads, saves, touches, renewals, logouts, revocations, refreshes, waits for them
//	holdfast.session.operation.retries    counter, {retry}    how often they were tried again, since others were first
//	holdfast.session.replays              counter, {replay}   handlers and closures of Update that ran again
//	holdfast.session.conflicts            counter, {conflict} commits that were refused with session.ErrConflict
//	holdfast.session.faults               counter, {fault}    what an operator has to mend: see session.OpFault
//	holdfast.session.undecodable_values   counter, {value}    stored values that were read as absent
//	holdfast.session.created              counter, {session}  sessions that have begun: see session.OpCreate
//	holdfast.session.ended                counter, {session}  sessions whose end was noticed: see session.OpEnd
//	holdfast.session.rotated              counter, {cookie}   new cookies of the same session: see session.OpRotate
//	holdfast.session.read_cache.age       histogram, s        maximum age of the copy that a request was served from
//	holdfast.session.expired_leases       counter, {lease}    leases of Key.Refresh that were taken over, as after a crash
//
// The first two have these attributes:
//
//	holdfast.session.operation.name      load, save, touch, renew, destroy, revoke, refresh, lease_wait: see session.Op
//	holdfast.session.operation.outcome   ok, merged, conflict, ended and so on: see session.OutcomeOK
//	error.type                           of a failure: see below
//
// The counter ended has the attribute holdfast.session.end.reason: destroyed, revoked, renewed,
// limit, replaced, theft, expired or missing. Renewed sessions go on, and a renewal creates none.
// The last two reasons are counted by each instance that finds the end, if any does, so the
// difference of the two counters is not the number of live sessions. The owner is in no
// metric and no span.
//
// The counter conflicts has the attribute http.route if the pattern of an http.ServeMux is
// known: see session.Event. The key is not an attribute of a metric, because an app may
// generate names of keys at run time, and each would be a time series. The span and the log
// line have it. The counter faults has the attribute holdfast.session.fault: keys_lost,
// keys_failed, clock_skew, vanished or list_full.
//
// The folder dashboard has a dashboard for Grafana and alerts for Prometheus, which
// docs/operating.md explains.
//
// ObserveWatches adds metrics of session.Session.Watch, which have no attributes:
//
//	holdfast.session.watch.contexts    up-down counter, {context}    contexts of Watch that have not ended
//	holdfast.session.watch.sessions    up-down counter, {session}    sessions that they watch
//	holdfast.session.watch.listeners   up-down counter, {listener}   1 while messages of other instances are heard, else 0
//
// If listeners is 0 while contexts is not, ends on other instances are noticed within
// session.Config.WatchInterval only: the provider cannot broadcast, or its connection is
// lost.
//
// ObserveReadCache adds metrics of session.Config.ReadCache:
//
//	holdfast.session.read_cache.requests   counter, {request}       requests that could be served from a copy
//	holdfast.session.read_cache.copies     up-down counter, {copy}  copies of records
//	holdfast.session.read_cache.size       up-down counter, By      about the memory that they take
//
// The first has one attribute, holdfast.session.read_cache.result: hit if a copy was used,
// or why not:
//
//	absent     there was none
//	stale      it was older than MaxStale, or its session had expired
//	outdated   the browser had seen a newer version
//	deaf       the store's broadcast was not heard
//
// ObservePurges adds metrics of a provider.Purger, such as that of PostgreSQL:
//
//	holdfast.session.purge.age       gauge, s           time since the last Purge without an error, at first since the recording began
//	holdfast.session.purge.removed   counter, {record}  expired records that were removed
//
// # Spans
//
// Every operation is an internal span, such as "session load", below the span of its
// context if that is recorded. It has the attributes above, holdfast.session.public_id
// and, if it was tried more than once, holdfast.session.operation.attempts. A replay, an
// undecodable value, an expired lease and a fault are events of the context's span,
// holdfast.session.replay, holdfast.session.undecodable_value,
// holdfast.session.expired_lease and holdfast.session.fault. The span of a commit has
// http.route, as the counter conflicts has, and that of a conflict has
// holdfast.session.conflict: a text that names the key and a remedy. Spans never contain cookies or values, nor the error of
// a function of Key.Refresh, whose text is the app's.
//
// A span is created when the operation has ended. So the spans of a database driver are
// siblings of the operation's span, not its children. A span that was started inside of
// Manager.Handler is the parent of loads, but not of saves. Put the middleware that
// starts the request's span, such as otelhttp, outside of Manager.Handler.
//
// # Errors
//
// An error that answers 409 is caused by the visitor, like any 4xx in the [conventions
// for HTTP servers]: it sets the outcome, and the span's status stays unset. The same is
// true of a renewal that was given up because the visitor disconnected. Other errors set
// the status and, as the [conventions for errors] require, the same error.type on metric
// and span:
//
//	outcome_unknown   session.ErrOutcomeUnknown
//	unavailable       session.ErrUnavailable
//	function_failed   what a function of Key.Refresh has returned
//	unreadable        session.ErrUnreadable
//	too_large         session.ErrTooLarge
//	encode            session.ErrEncode
//	header_sent       session.ErrHeaderSent
//	request_done      session.ErrRequestDone
//	_OTHER            any other
//
// Names are in Holdfast's own namespace, as the [conventions for names] require.
// session.id of the [conventions for sessions] is not used: it means a session that a
// browser or an app tracks, across logins and without a cookie.
//
// [conventions for HTTP servers]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
// [conventions for errors]: https://opentelemetry.io/docs/specs/semconv/general/recording-errors/
// [conventions for names]: https://opentelemetry.io/docs/specs/semconv/general/naming/
// [conventions for sessions]: https://opentelemetry.io/docs/specs/semconv/general/session/
package otelholdfast
