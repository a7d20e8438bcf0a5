package session

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Op is the operation that an Event reports.
type Op string

// These are the operations that Config.Observer receives.
const (
	OpLoad         Op = "load"          // a session was looked up by the request's token
	OpSave         Op = "save"          // changes were committed
	OpTouch        Op = "touch"         // a session that was only used was extended
	OpRotate       Op = "rotate"        // the visitor was given a new cookie of the session (Config.RotateInterval)
	OpRenew        Op = "renew"         // changes were committed under a new ID
	OpDestroy      Op = "destroy"       // a session was ended by its own request
	OpRevoke       Op = "revoke"        // a session was ended from outside
	OpBind         Op = "bind"          // a browser registered the key of its device
	OpProve        Op = "prove"         // a browser proved that it has the key of its device
	OpReplay       Op = "replay"        // a handler, or the closure of an Update, is about to run again after a conflict
	OpRefresh      Op = "refresh"       // Key.Refresh had the lease of a key, ran its function and saved the result
	OpLeaseWait    Op = "lease_wait"    // Key.Refresh has waited for the lease of another request
	OpLeaseExpired Op = "lease_expired" // Key.Refresh took over a lease that its holder has not given up in time, as after a crash
	OpUndecodable  Op = "undecodable"   // a stored value did not decode, and was read as absent
	OpCreate       Op = "create"        // a session was stored that had not been, and that continues no other
	OpEnd          Op = "end"           // a session has ended; EndReason says why

	OpRevokeEverything Op = "revoke_everything" // Manager.RevokeEverything was called; there is no public ID
	OpFault            Op = "fault"             // something was found that an operator has to mend; Fault says what
)

// Event reports one finished operation to Config.Observer.
//
// OpCreate and OpEnd tell of the life of sessions, for audits and to count them: they come
// in addition to the event of the operation that has begun or ended the session, before it,
// and have no Duration and no Attempts. So does OpRotate, for the OpSave or OpTouch that has
// saved the rotation. A renewal is the end of a session under its old ID,
// and creates none. All ends but those of expired sessions are reported once, by the
// instance that has ended the session, if it knows the outcome.
//
// The end of an expired session is reported when an instance finds it, possibly hours after
// the session has expired: with EndExpired if the provider tells which records it removes
// (provider.Expirer), or if a request finds a record that is still there; with EndMissing
// if a request finds none. Each instance reports a session that requests find at most once
// in a while, and several instances may report the same: tell them apart by PublicID.
// A provider does not know Namespaces, so a Manager also reports expired sessions of other
// Managers that use the same provider.Provider.
//
// OpFault comes in addition to the event of the operation that has met the fault, and has no
// Duration and no Attempts. It is reported each time that the fault is met, so count
// requests with it, not faults. The log says more about it.
type Event struct {
	Op       Op
	PublicID string        // of the session, "" if there is none
	Start    time.Time     // when the operation began
	Duration time.Duration // how long it took, storage and waiting for others included
	Attempts int           // OpSave, OpRenew, OpDestroy, OpRevoke, OpRevokeEverything: how often it was tried, once more for each conflict. OpReplay: runs so far
	Joined   bool          // OpSave: the changes were part of the save of a parallel request, which has waited for them (group commit)
	Age      time.Duration // OpLoad: the maximum age of the copy that was used (Config.ReadCache); 0 if the store was read
	Key      string        // OpUndecodable, OpRefresh, OpLeaseWait, OpLeaseExpired: the key
	Err      error         // why it failed. OpRefresh: also the error of the function. OpLoad: ErrEnded also for the cookie of a session that was renewed or destroyed, though Load does not fail
	Route    string        // OpSave, OpRenew, OpDestroy: the pattern of the http.ServeMux for the request, if there is one. It is not known of Session.Save and Session.Update in a handler that is in neither HandlerFunc nor Replay
	Fault    Fault         // OpFault

	Owner     string    // OpCreate, OpEnd, OpRotate: the owner of the session, "" if it has none or, for EndMissing, if that is not known
	EndReason EndReason // OpEnd
	Successor string    // OpEnd, EndRenewed: the public ID under which the session goes on
}

// EndReason is why a session has ended.
type EndReason string

// The reasons of OpEnd.
const (
	EndDestroyed EndReason = "destroyed" // by Session.Destroy
	EndRevoked   EndReason = "revoked"   // by Manager.Revoke, RevokeAll or RevokeOthers
	EndRenewed   EndReason = "renewed"   // by Session.Renew; it goes on as the Successor
	EndLimit     EndReason = "limit"     // by a sign-in above Config.OwnerLimit
	EndReplaced  EndReason = "replaced"  // by another session of the same browser: see Cookie, and Renew after the end of a session
	EndExpired   EndReason = "expired"   // it was not used for too long, or has reached its lifetime
	EndTheft     EndReason = "theft"     // a cookie was used that a newer one has replaced, so the cookie was copied: see Config.RotateInterval
	EndMissing   EndReason = "missing"   // a request came with its token, and it is not stored: most likely it has expired
)

// Fault is what an operator has to mend.
type Fault string

// The faults of OpFault.
const (
	FaultKeysLost   Fault = "keys_lost"   // the store has lost signing keys; those that an instance has in memory are restored
	FaultKeysFailed Fault = "keys_failed" // the signing keys could not be read, made or rotated; Err says why
	FaultClockSkew  Fault = "clock_skew"  // a session was used later than now, by five seconds or more, or signing keys are dated ahead by over an hour: the clock of this or another instance is or was wrong
	FaultVanished   Fault = "vanished"    // a session that was created a moment ago is not in the store: its clock is ahead, or it has lost the record
	FaultListFull   Fault = "list_full"   // the list of the sessions of an owner or a label is full, so a session was refused: see ErrTooManySessions
)

// Outcome classifies the result of an operation.
type Outcome string

// The outcomes of an Event.
const (
	OutcomeOK          Outcome = "ok"
	OutcomeNone        Outcome = "none"        // OpLoad: the token belongs to no session
	OutcomeMerged      Outcome = "merged"      // saved on top of changes of parallel requests
	OutcomeConflict    Outcome = "conflict"    // ErrConflict
	OutcomeEnded       Outcome = "ended"       // ErrEnded
	OutcomeUnknown     Outcome = "unknown"     // ErrOutcomeUnknown
	OutcomeUnproven    Outcome = "unproven"    // ErrUnproven
	OutcomeUnbound     Outcome = "unbound"     // OpLoad: the session had to be bound, and was not in time
	OutcomeChallenged  Outcome = "challenged"  // OpProve: the browser has to sign a new challenge
	OutcomeCanceled    Outcome = "canceled"    // the visitor disconnected first and would not have received the new cookie
	OutcomeUnavailable Outcome = "unavailable" // ErrUnavailable
	OutcomeUnreadable  Outcome = "unreadable"  // ErrUnreadable, and OpUndecodable
	OutcomeRefused     Outcome = "refused"     // ErrTooLarge, ErrTooManySessions, ErrEncode, ErrHeaderSent
	OutcomeDropped     Outcome = "dropped"     // ErrRequestDone
	OutcomeFailed      Outcome = "failed"      // OpRefresh: the function has failed, and the lease was given up
	OutcomeFenced      Outcome = "fenced"      // OpRefresh, and OpSave of its result: ErrConflict, as another request had taken over the lease
)

// Outcome returns the result of e as one of a few constants, for use as a metric label.
func (e Event) Outcome() Outcome {
	switch {
	case e.Err == nil && e.Op == OpLoad && e.PublicID == "":
		return OutcomeNone
	case e.Err == nil && e.Attempts > 1 && e.Op != OpReplay:
		return OutcomeMerged
	case e.Err == nil:
		return OutcomeOK
	case e.functionFailed():
		return OutcomeFailed
	case errors.Is(e.Err, txn.ErrLeaseLost):
		return OutcomeFenced
	case errors.Is(e.Err, ErrRequestDone): // whatever the cause
		return OutcomeDropped
	case errors.Is(e.Err, ErrConflict):
		return OutcomeConflict
	case errors.Is(e.Err, ErrEnded):
		return OutcomeEnded
	case errors.Is(e.Err, binding.ErrUnregistered):
		return OutcomeUnbound
	case errors.Is(e.Err, ErrUnproven):
		return OutcomeUnproven
	case errors.Is(e.Err, binding.ErrChallenge) && e.Op == OpProve:
		return OutcomeChallenged
	case errors.Is(e.Err, ErrOutcomeUnknown):
		return OutcomeUnknown
	case errors.Is(e.Err, context.Canceled):
		return OutcomeCanceled
	case errors.Is(e.Err, ErrUnavailable):
		return OutcomeUnavailable
	case errors.Is(e.Err, ErrUnreadable), e.Op == OpUndecodable:
		return OutcomeUnreadable
	default:
		return OutcomeRefused
	}
}

// functionFailed reports whether e is the failure of a function of Refresh.
func (e Event) functionFailed() bool {
	_, ok := e.Err.(txn.FunctionError)
	return ok
}

// observer returns an Observer that passes the operations of the internal packages to fn.
func observer(fn func(context.Context, Event)) observe.Observer {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, e observe.Event) {
		fn(ctx, Event{
			Op: Op(e.Op), PublicID: e.PublicID, Start: e.Start, Duration: e.Duration,
			Attempts: e.Attempts, Joined: e.Joined, Age: e.Age, Key: e.Key, Err: e.Err,
			Owner: e.Owner, EndReason: EndReason(e.EndReason), Successor: e.Successor,
			Route: routeOf(ctx, e), Fault: Fault(e.Fault),
		})
	}
}

// routeOf returns the Route of an event. A commit that the response has begun knows it, and
// otherwise the writer of the handler that has committed.
func routeOf(ctx context.Context, e observe.Event) string {
	switch e.Op {
	case observe.Save, observe.Renew, observe.Destroy:
		if rw := writerOf(ctx, nil); rw != nil && rw.routed && e.Route == "" {
			return rw.inner.Pattern
		}
	}
	return e.Route
}
