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
	Load        Op = "load"
	Save        Op = "save"
	Touch       Op = "touch"
	Renew       Op = "renew"
	Destroy     Op = "destroy"
	Revoke      Op = "revoke"
	Bind        Op = "bind"
	Prove       Op = "prove"
	Replay      Op = "replay"
	Undecodable Op = "undecodable"

	RevokeEverything Op = "revoke-everything"
)

// Event is a finished operation: see session.Event.
type Event struct {
	Op       Op
	PublicID string
	Start    time.Time
	Duration time.Duration
	Attempts int
	Age      time.Duration
	Key      string
	Err      error
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

// End reports the operation of e, which has ended.
func (o Observer) End(ctx context.Context, e Event) {
	if o == nil || e.Op == "" {
		return
	}
	e.Duration = time.Since(e.Start)
	o(ctx, e)
}
