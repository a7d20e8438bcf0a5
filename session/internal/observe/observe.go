// Package observe carries the events for Config.Observer up to package session.
package observe

import (
	"context"
	"time"
)

// Op is an operation; package session documents each.
type Op string

// The operations.
const (
	Load         Op = "load"
	Save         Op = "save"
	Touch        Op = "touch"
	Rotate       Op = "rotate"
	Renew        Op = "renew"
	Destroy      Op = "destroy"
	Revoke       Op = "revoke"
	Bind         Op = "bind"
	Prove        Op = "prove"
	Replay       Op = "replay"
	Refresh      Op = "refresh"
	LeaseWait    Op = "lease_wait"
	LeaseExpired Op = "lease_expired"
	Undecodable  Op = "undecodable"
	Create       Op = "create"
	End          Op = "end"

	RevokeEverything Op = "revoke_everything"
	Faulty           Op = "fault"
)

// EndReason is why a session has ended; package session documents each.
type EndReason string

// The reasons.
const (
	Destroyed EndReason = "destroyed"
	Revoked   EndReason = "revoked"
	Renewed   EndReason = "renewed"
	OverLimit EndReason = "limit"
	Replaced  EndReason = "replaced"
	Expired   EndReason = "expired"
	Missing   EndReason = "missing"
	Theft     EndReason = "theft"
)

// Fault is what an operator has to mend; package session documents each.
type Fault string

// The faults.
const (
	KeysLost   Fault = "keys_lost"
	KeysFailed Fault = "keys_failed"
	ClockSkew  Fault = "clock_skew"
	Vanished   Fault = "vanished"
	ListFull   Fault = "list_full"
)

// Event is a finished operation: see session.Event.
type Event struct {
	Op       Op
	PublicID string
	Start    time.Time
	Duration time.Duration
	Attempts int
	Joined   bool
	Age      time.Duration
	Key      string
	Err      error
	Route    string
	Fault    Fault

	Owner     string
	EndReason EndReason
	Successor string
}

// Observer receives every operation. A nil Observer receives nothing, and its events are
// zero.
type Observer func(context.Context, Event)

// Begin returns the event of an operation that begins now.
func (o Observer) Begin(op Op) Event {
	if o == nil {
		return Event{}
	}
	return Event{Op: op, Start: time.Now(), Attempts: 1}
}

// Report reports e, which has taken no time.
func (o Observer) Report(ctx context.Context, e Event) {
	if o != nil {
		e.Start = time.Now()
		o(ctx, e)
	}
}

// End reports the operation of e, which has ended.
func (o Observer) End(ctx context.Context, e Event) {
	if o == nil || e.Op == "" {
		return
	}
	e.Duration = time.Since(e.Start)
	o(ctx, e)
}
