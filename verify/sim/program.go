package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// The keys of every session: three numbers, a one-time token, and what Refresh renews. The
// label is none of them, but a number beside them that no isolation level applies to.
const (
	token     = 3
	refreshed = 4
	label     = 5
	nKeys     = 6
)

var keyNames = [nKeys]string{"a", "b", "c", "t", "r", "label"}

// kind is what a key is declared to be.
type kind uint8

const (
	plain    kind = iota
	merging       // MergeWith, adding up both sides' differences
	lastWins      // LastWriteWins
)

// data is what a session holds. Values are small and none means absent.
type data [nKeys]int32

const none = -1 << 31

var nothing = data{none, none, none, none, none, none}

// number is what an Update's closure is given for n.
func number(n int32) int32 {
	if n == none {
		return 0
	}
	return n
}

func (d data) String() string {
	var b strings.Builder
	for k, v := range d {
		if v != none {
			fmt.Fprintf(&b, " %s=%d", keyNames[k], v)
		}
	}
	return "{" + strings.TrimPrefix(b.String(), " ") + "}"
}

// keys returns the set of keys that d has, as bits, without the one of Refresh and the
// label.
func (d data) keys() (set int32) {
	for k, v := range d[:refreshed] {
		if v != none {
			set |= 1 << k
		}
	}
	return set
}

// verb is a thing that a handler does to its session.
type verb uint8

const (
	get        verb = iota
	set             // key = n
	setGot          // key = what was got of from, + n
	del             //
	pop             //
	update          // key += n
	updateFrom      // key += from + n, from being read inside the closure
	keys            //
	clear_          //
	renew           //
	destroy         //
	persist         //
	save            // Session.Save
	transact        // Session.Update, with body
	revoke          // Manager.Revoke of the session that was loaded
	refresh         // Key.Refresh to the generation n, with the function from
	pause           // the handler waits n milliseconds

	// What an administrator does.
	revokeBy         // Manager.RevokeBy of the label n
	sessionsBy       // Manager.SessionsBy of the label n
	revokeEverything // Manager.RevokeEverything
)

// op is one step of a handler.
type op struct {
	verb      verb
	key, from int
	n         int32
	body      []op
}

func (o op) String() string {
	k, from := keyNames[o.key], keyNames[o.from]
	switch o.verb {
	case get:
		return "get " + k
	case set:
		return fmt.Sprintf("%s=%d", k, o.n)
	case setGot:
		return fmt.Sprintf("%s=got(%s)+%d", k, from, o.n)
	case del:
		return "delete " + k
	case pop:
		return "pop " + k
	case update:
		return fmt.Sprintf("%s+=%d", k, o.n)
	case updateFrom:
		return fmt.Sprintf("%s+=%s+%d", k, from, o.n)
	case refresh:
		return fmt.Sprintf("refresh to %d, %v", o.n, renewal(o.from))
	case transact:
		return "update{" + join(o.body) + "}"
	case pause:
		return fmt.Sprintf("wait %d ms", o.n)
	case revokeBy:
		return fmt.Sprintf("revoke by label %d", o.n)
	case sessionsBy:
		return fmt.Sprintf("list by label %d", o.n)
	}
	return [...]string{keys: "keys", clear_: "clear", renew: "renew", destroy: "destroy", persist: "persist", save: "save", revoke: "revoke", revokeEverything: "revoke everything"}[o.verb]
}

func join[T fmt.Stringer](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = x.String()
	}
	return strings.Join(parts, "; ")
}

// mode is the way a request is served.
type mode uint8

const (
	handler mode = iota // Handler, with Load
	safe                // HandlerFunc, GET: replayed
	unsafe              // HandlerFunc, POST: not replayed
	replay              // Replay inside Handler, POST
	guarded             // the same, behind a middleware that reads a key
	nModes
)

func (m mode) String() string {
	return [...]string{"Handler", "HandlerFunc GET", "HandlerFunc POST", "Replay", "guarded Replay"}[m]
}

// jar says where a request takes its cookie from.
type jar uint8

const (
	own    jar = iota // the one that this client was last given, at first the shared one
	shared            // the one that any client was last given, as tabs do
	first             // the one that all started with
	empty             // none
)

// request is one request of a client.
type request struct {
	period  int           // when: in which of the program's periods
	wait    time.Duration // and how long after its start, or after the previous request
	mode    mode
	get     bool // of mode handler: a GET, which may use a copy
	jar     jar
	ops     []op
	status  int           // the handler's answer, should all go well
	deaf    bool          // the handler goes on after a failed Save
	hangup  time.Duration // when the client gives up; zero: never
	guarded int           // the key that the middleware of mode guarded reads
}

func (r request) String() string {
	s := fmt.Sprintf("period %d +%v %v, cookie %s: %s -> %d", r.period, r.wait, r.mode, [...]string{"own", "shared", "first", "none"}[r.jar], join(r.ops), r.status)
	if r.get {
		s += ", GET"
	}
	if r.mode == guarded {
		s += " (middleware gets " + keyNames[r.guarded] + ")"
	}
	if r.deaf {
		s += ", deaf to errors"
	}
	if r.hangup > 0 {
		s += fmt.Sprintf(", hangs up after %v", r.hangup)
	}
	return s
}

// trouble is what the store does to a call.
type trouble uint8

const (
	lost       trouble = iota // it lands, the answer does not
	dropped                   // it never lands
	late                      // it lands after a while, when the caller has its error
	crash                     // the client dies before the call
	crashAfter                // the client dies after it
	nTroubles
)

// fault is trouble with the nth storage call of a client.
type fault struct {
	call    int
	trouble trouble
	slow    bool          // the caller's deadline passes; else it sees a broken connection
	after   time.Duration // of late
	outage  int           // so many calls after it are dropped, too
}

func (f fault) String() string {
	s := fmt.Sprintf("call %d %s", f.call, [...]string{"lost", "dropped", "late", "crash before", "crash after"}[f.trouble])
	if f.trouble == late {
		s += fmt.Sprintf(" by %v", f.after)
	}
	if f.slow && f.trouble < crash {
		s += ", timeout"
	}
	if f.outage > 0 {
		s += fmt.Sprintf(", and %d more dropped", f.outage)
	}
	return s
}

// client sends its requests one after another.
type client struct {
	requests []request
	faults   []fault
}

// period is a moment after which things happen within seconds. Between two
// minor ones ten minutes pass: tombstones end, idle sessions are touched.
// Between two major ones two hours pass: what was not persisted expires.
type period struct{ major, minor int }

const (
	majorStep = 2 * time.Hour
	minorStep = 10 * time.Minute
	persisted = 3 * time.Hour // ends in the second major step
)

// With rotation, each session that lives at the first major step is given new cookies after
// it, and none is old enough to be taken for a stolen one before the program ends.
const (
	rotateInterval = 2 * rotateGrace
	rotateGrace    = 59 * time.Minute
)

func (e period) start() time.Duration {
	return time.Duration(e.major)*majorStep + time.Duration(e.minor)*minorStep
}

// Program is a whole run: the data, as drawn or as shrunk.
type Program struct {
	seed     uint64 // of the waits in the store, and of crypto/rand
	level    session.Isolation
	kinds    [nKeys]kind
	start    data
	oneHost  bool          // the clients share a Manager
	maxStale time.Duration // of Config.ReadCache; 0: there are no copies
	rotates  bool          // Config.RotateInterval is set
	revokes  bool          // Config.RevokeEverythingWithin is set
	periods  []period      // the last one is for the look at what is left
	clients  []client
}

func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, level %s, one host %t, session %v, periods %v\n",
		p.seed, [...]string{"merge", "serializable", "strict"}[p.level], p.oneHost, p.start, p.periods)
	if p.maxStale > 0 {
		fmt.Fprintf(&b, "  copies for %v\n", p.maxStale)
	}
	if p.rotates {
		b.WriteString("  rotates cookies\n")
	}
	if p.revokes {
		b.WriteString("  can revoke everything\n")
	}
	for k, kind := range p.kinds {
		if kind != plain {
			fmt.Fprintf(&b, "  key %s is %s\n", keyNames[k], [...]string{merging: "MergeWith", lastWins: "LastWriteWins"}[kind])
		}
	}
	for i, c := range p.clients {
		fmt.Fprintf(&b, "  client %d: %s\n", i, join(c.faults))
		for _, r := range c.requests {
			fmt.Fprintf(&b, "    %v\n", r)
		}
	}
	return b.String()
}

// GoString is what rapid shows of a program.
func (p *Program) GoString() string { return "\n" + p.String() }

// Requests is how many there are.
func (p *Program) Requests() (n int) {
	for _, c := range p.clients {
		n += len(c.requests)
	}
	return n
}

// faulty reports whether the store, or a client, fails anywhere.
func (p *Program) faulty() bool {
	for _, c := range p.clients {
		if len(c.faults) > 0 {
			return true
		}
		for _, r := range c.requests {
			if r.hangup > 0 {
				return true
			}
		}
	}
	return false
}
