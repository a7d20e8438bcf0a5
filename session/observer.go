package session

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/observe"
)

// Op is the operation that an Event reports.
type Op string

// These are the operations that Config.Observer receives.
const (
	OpLoad             Op = "load"              // a session was looked up by the request's token
	OpSave             Op = "save"              // changes were committed
	OpTouch            Op = "touch"             // a session that was only used was extended
	OpRenew            Op = "renew"             // changes were committed under a new ID
	OpDestroy          Op = "destroy"           // a session was ended by its own request
	OpRevoke           Op = "revoke"            // a session was ended from outside
	OpRevokeEverything Op = "revoke-everything" // Manager.RevokeEverything was called; there is no public ID
	OpBind             Op = "bind"              // a browser registered the key of its device
	OpProve            Op = "prove"             // a browser proved that it has the key of its device
	OpReplay           Op = "replay"            // a handler, or the closure of an Update, is about to run again after a conflict
	OpUndecodable      Op = "undecodable"       // a stored value did not decode, and was read as absent
)

// Event reports one finished operation to Config.Observer.
type Event struct {
	Op       Op
	PublicID string        // of the session, "" if there is none
	Start    time.Time     // when the operation began
	Duration time.Duration // how long it took, storage and waiting for others included
	Attempts int           // OpSave, OpRenew, OpDestroy, OpRevoke, OpRevokeEverything: how often it was tried, once more for each conflict. OpReplay: runs so far
	Age      time.Duration // OpLoad: the maximum age of the copy that was used (Config.ReadCache); 0 if the store was read
	Key      string        // OpUndecodable: the key
	Err      error         // why it failed. OpLoad: ErrEnded also for the cookie of a session that was renewed or destroyed, though Load does not fail
}

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

// observer returns an Observer that passes the operations of the internal packages to fn.
func observer(fn func(context.Context, Event)) observe.Observer {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, e observe.Event) {
		fn(ctx, Event{
			Op: Op(e.Op), PublicID: e.PublicID, Start: e.Start, Duration: e.Duration,
			Attempts: e.Attempts, Age: e.Age, Key: e.Key, Err: e.Err,
		})
	}
}
