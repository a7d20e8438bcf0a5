package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// seen is a step that a handler took, and what came of it.
type seen struct {
	op
	val   int32 // what get, pop, update and keys returned, what set wrote
	was   int32 // of an update: what its closure was given
	other int32 // of an updateFrom: what it read of from
	base  int32 // of a set of a merging key: what was first read of it
	tx    bool  // inside Session.Update
	old   bool  // by a middleware, before a replay that does not mind

	// What must hold of the state that is committed on: see firm in the model.
	firm, firmFrom bool
}

func (o seen) String() string {
	inner := ""
	if o.tx {
		inner = "|"
	}
	val := fmt.Sprint(o.val)
	if o.val == none {
		val = "-"
	}
	switch o.verb {
	case get, pop, update, updateFrom:
		return inner + o.op.String() + ":" + val
	case keys:
		return fmt.Sprintf("%skeys:%04b", inner, o.val)
	case refresh:
		return fmt.Sprintf("%s (saw %s)", o.op, val)
	case setGot:
		return fmt.Sprintf("%s%s=%d", inner, keyNames[o.key], o.val)
	}
	return inner + o.op.String()
}

// verdict is what became of a commit.
type verdict uint8

const (
	idle      verdict = iota // there was none: a run cut short, an answer >= 500
	committed                //
	refused                  // ErrConflict
	gone                     // ErrEnded
	failed                   // any other error that says it did not land
	unknown                  // ErrOutcomeUnknown
)

func (v verdict) String() string {
	return [...]string{"idle", "committed", "conflict", "gone", "failed", "unknown"}[v]
}

// judge returns the verdict that an error of a commit stands for.
func judge(err error) verdict {
	switch {
	case err == nil:
		return committed
	case is(err, session.ErrConflict):
		return refused
	case is(err, session.ErrEnded):
		return gone
	case is(err, session.ErrOutcomeUnknown):
		return unknown
	}
	return failed
}

// segment is what a handler did up to one commit.
type segment struct {
	ops     []seen
	retried int  // how many of the ops came before a Save that failed; 0: none failed
	tx      bool // the commit is Session.Update's
	verdict verdict
}

func (s segment) String() string {
	return fmt.Sprintf("%s => %v", join(s.ops), s.verdict)
}

// A session is named by the visit that began it. Cookies that open it are
// tickets to it; what an answer did about the cookie is a ticket too.
type ticket int8

const (
	cleared  ticket = -2
	noTicket ticket = -1
	origin   ticket = 0 // the session that all start with
)

func (t ticket) String() string {
	switch t {
	case cleared:
		return "cleared"
	case noTicket:
		return "none"
	}
	return fmt.Sprintf("S%d", int8(t))
}

// visit is what was seen of one request.
type visit struct {
	id, client int
	host       int
	request    request
	at         period
	period     int8 // its number
	sent       ticket
	runs       int  // of the handler
	copied     bool // the session was a copy
	loaded     bool // the session was there to be used
	isNew      bool
	segs       []segment
	unsaved    bool // the handler's last Save has failed, and may be made again
	status     int
	err        error // what ErrorHandler saw
	joined     joined
	listed     []string   // by SessionsBy: public IDs
	lists      accountSet // the same
	out        ticket
	answered   bool   // the client got the answer, which was no error of a commit or load
	ofRefresh  bool   // a call of Refresh, which commits by itself, beside the request that makes it
	breach     string // a rule that the run saw broken
	begun, end time.Duration
}

// tookLease reports whether o is a Refresh that has taken a lease.
func (o seen) tookLease() bool { return o.verb == refresh && o.was > 0 }

// joined tells what became of the saves of other requests that had v's changes with them.
type joined struct{ saved, unknown bool }

// own returns the ticket to the session that v began, if any.
func (v *visit) own() ticket { return ticket(v.id + 1) }

func (v *visit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%v..%v] client %d visit %d at host %d %v, cookie %v, period %v: ", v.begun, v.end, v.client, v.id, v.host, v.request.mode, v.sent, v.at)
	switch {
	case v.ofRefresh:
		b.WriteString("call of Refresh")
	case !v.loaded:
		b.WriteString("not loaded")
	case v.isNew:
		b.WriteString("new session")
	case v.copied:
		b.WriteString("copy of a session")
	default:
		b.WriteString("session")
	}
	for _, s := range v.segs {
		fmt.Fprintf(&b, " | %v", s)
	}
	fmt.Fprintf(&b, " -> %d, Set-Cookie %v", v.status, v.out)
	if v.err != nil {
		fmt.Fprintf(&b, " (%v)", v.err)
	}
	if v.breach != "" {
		fmt.Fprintf(&b, " BREACH: %s", v.breach)
	}
	return b.String()
}

// event is something that happened to a visit: it began, called Save or
// Session.Update, saw that return, waited, was answered.
type event struct {
	visit int
	what  what
	seg   int // of call and back: the segment
	run   int // and the run of the handler
	at    time.Duration
}

type what uint8

const (
	begin what = iota
	call
	back
	end
	wake // the handler, or the function of a Refresh, has waited
)

// History is what was seen of a program: all that the oracle goes by.
type History struct {
	program *Program
	visits  []*visit
	events  []event
	storage []string // the trace of storage calls, for the reader
}

func (h *History) String() string {
	var b strings.Builder
	ended := slices.SortedFunc(slices.Values(h.visits), func(v, w *visit) int {
		return cmp.Or(cmp.Compare(v.end, w.end), cmp.Compare(v.id, w.id)) // requests that one save ends, end at one time
	})
	for _, v := range ended {
		fmt.Fprintf(&b, "  %v\n", v)
	}
	for _, line := range h.storage {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}
