package admin

import "github.com/holdfast-go/holdfast/session"

// Indexes of operations. Those that no page shows share one.
const (
	opOther = iota
	opLoad
	opSave
	opTouch
	opRenew
	opDestroy
	opRevoke
	opReplay
	opUndecodable
	opCreate
	opEnd
	ops
)

func indexOfOp(op session.Op) int {
	switch op {
	case session.OpLoad:
		return opLoad
	case session.OpSave:
		return opSave
	case session.OpTouch:
		return opTouch
	case session.OpRenew:
		return opRenew
	case session.OpDestroy:
		return opDestroy
	case session.OpRevoke, session.OpRevokeEverything:
		return opRevoke
	case session.OpReplay:
		return opReplay
	case session.OpUndecodable:
		return opUndecodable
	case session.OpCreate:
		return opCreate
	case session.OpEnd:
		return opEnd
	}
	return opOther
}

// Indexes of outcomes.
const (
	outcomeOK = iota // and OutcomeNone, OutcomeCanceled, OutcomeChallenged
	outcomeMerged
	outcomeConflict
	outcomeEnded
	outcomeUnknown
	outcomeUnavailable
	outcomeUnreadable
	outcomeRefused
	outcomeOther
	outcomes
)

// outcomeNames are the names of the outcomes that may be problems.
var outcomeNames = [outcomes]session.Outcome{
	outcomeConflict:    session.OutcomeConflict,
	outcomeUnknown:     session.OutcomeUnknown,
	outcomeUnavailable: session.OutcomeUnavailable,
	outcomeUnreadable:  session.OutcomeUnreadable,
	outcomeRefused:     session.OutcomeRefused,
}

// isProblem are the outcomes that the page Health lists.
var isProblem = [outcomes]bool{
	outcomeConflict: true, outcomeUnknown: true, outcomeUnavailable: true, outcomeUnreadable: true, outcomeRefused: true,
}

func indexOfOutcome(o session.Outcome) int {
	switch o {
	case session.OutcomeOK, session.OutcomeNone, session.OutcomeCanceled, session.OutcomeChallenged:
		return outcomeOK
	case session.OutcomeMerged:
		return outcomeMerged
	case session.OutcomeConflict:
		return outcomeConflict
	case session.OutcomeEnded:
		return outcomeEnded
	case session.OutcomeUnknown:
		return outcomeUnknown
	case session.OutcomeUnavailable:
		return outcomeUnavailable
	case session.OutcomeUnreadable:
		return outcomeUnreadable
	case session.OutcomeRefused:
		return outcomeRefused
	}
	return outcomeOther
}

// endReasons are the reasons of ends in the order of the page.
var endReasons = [...]struct {
	reason session.EndReason
	text   string
}{
	{session.EndDestroyed, "signed out"},
	{session.EndRevoked, "revoked"},
	{session.EndLimit, "ended by the limit of an owner’s sessions"},
	{session.EndReplaced, "replaced in the same browser"},
	{session.EndExpired, "expired"},
	{session.EndMissing, "not found in the store, most likely expired"},
	{session.EndRenewed, "renewed under another public ID"},
	{"", "another reason"},
}

const reasons = len(endReasons)

// reasonRenewed is the index of session.EndRenewed: such a session goes on.
const reasonRenewed = reasons - 2

func indexOfReason(r session.EndReason) int {
	for i := range endReasons {
		if endReasons[i].reason == r {
			return i
		}
	}
	return reasons - 1
}
