// Package txn implements one request's transaction over the record of its session: what
// the request reads and changes, when that conflicts with what other requests have saved,
// and how it is committed. It does not depend on net/http; a Request has what it needs of
// the HTTP request.
package txn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/rotation"
)

// The errors of this package. Package session documents them under the same names.
var (
	ErrConflict    = errors.New("session: conflict with a parallel request")
	ErrEncode      = errors.New("session: value cannot be stored")
	ErrHeaderSent  = errors.New("session: too late for a cookie, the response header has been sent")
	ErrRequestDone = errors.New("session: request is over, changes dropped")
)

// Engine is shared by the transactions of one Manager. It does not change after the first
// of them has begun.
type Engine struct {
	Records   *records.Store
	Owners    *owners.Index
	Lifetimes records.Lifetimes
	Isolation Isolation
	Offered   Offered          // nil: no session is bound
	Rotation  *rotation.Policy // nil: no session is rotated
	MaxSize   int              // of a session's record, in bytes
	Timeout   time.Duration    // of the calls of one commit
	Format    string           // of the values of a new session
	NewToken  func() (token []byte, id string)
	Logger    *slog.Logger
	Observer  observe.Observer
	Leases    *Leases       // that this process holds; nil stands for those of all such Engines
	Releases  Releases      // of leases in other instances; nil: nobody tells of them
	Epochs    *epoch.Epochs // nil: Config.RevokeEverythingWithin is not set

	touching sync.Map // IDs of the records that are being touched
	turns    turns    // of the commits of each record
}

// current makes sure that the latest epoch is known. The request's end does not stop it.
func (e *Engine) current() error { return e.Epochs.Current(context.Background()) }

// fits returns ErrTooLarge for a session that is too large.
func (e *Engine) fits(c *records.Content) error {
	if size := c.Size(); size > e.MaxSize {
		return fmt.Errorf("%w: %d bytes, over the %d of Config.MaxSize", records.ErrTooLarge, size, e.MaxSize)
	}
	return nil
}

// Offered returns the fields of a session with the offer to bind it to a device, in place of
// the present binding.
type Offered func(f envelope.Fields) envelope.Fields

// Request is what a transaction needs from its request.
type Request interface {
	// Context returns the request's context, which no failed commit cancels.
	Context() context.Context

	// Sign returns the signed form of token with that index, which the visitor gets.
	Sign(ctx context.Context, token []byte, index uint64) (string, error)

	// HeaderSent reports whether it is too late for a cookie.
	HeaderSent() bool

	// SetToken gives the visitor a signed token. He keeps it for persist, or as long as the
	// Config says if persist is 0. A response that begins after until does not send it,
	// unless until is zero.
	SetToken(value string, persist time.Duration, until time.Time)

	// ClearToken takes the token from the visitor.
	ClearToken()

	// ClearOthers clears the session's cookie in other scopes, too.
	ClearOthers()

	// NoteDestroy is called when a Destroy has been committed.
	NoteDestroy()

	// HasToken reports whether the request came with a token, valid or not.
	HasToken() bool

	// Passive reports whether the request does not count as use of the session.
	Passive() bool

	// OffersBinding reports whether the response can ask the browser to bind the session.
	OffersBinding() bool

	// RunsAgain reports whether a conflict makes the handler run again.
	RunsAgain() bool

	// DropReason returns why the request commits no more by itself, "" if it does.
	DropReason() string
}

// Rival is a session whose signed cookie came with the request beside that of another.
type Rival struct {
	ID      string
	Content *records.Content
}

// Txn is one request's transaction, which Begin or one of its variants begins. It is safe
// for concurrent use.
type Txn struct {
	e   *Engine
	req Request

	mu        sync.Mutex
	state     state
	firstRead [1]row[read] // the first of state.reads, as part of this allocation
	*others
	released chan struct{}   // closed on release of the commit lock; nil: nobody waits for it
	before   *pendingDestroy // the pending destroy when the closure of Session.Update began
	failed   error           // error of a commit; later commits of the request return it
	ticket   *queue.Ticket   // the place in the queue, between commits
	epoch    int32           // counts the undoing of changes: Clear, Destroy, a rollback
	closures int32           // number of running closures of Key.Update
	commits  int32           // commits of this request that were saved or may have been

	touched  bool // extended, or a touch was tried
	rotated  bool // rotated by a save for that alone, or that was tried
	busy     bool // the commit lock is held by a commit or an Update
	updating bool // a closure of Session.Update is running
	over     bool // the request is over
	reported bool // the handler has seen its last Save or Update fail
	offered  bool // a commit has offered to bind the session to a device, or has tried to
}

// others are contents that few transactions have besides that of their session.
type others struct {
	rivals []Rival          // live sessions that came with the request, none of which is served
	unread *pendingDestroy  // the stored session, if its codec is not known
	copied *records.Content // what was not read from the store but is a copy

	refusal error // why only a Renew may begin a session; nil: any change may
}

var noOthers others // of most requests; never written to

// Begin makes t a transaction over the session with that token and ID, which holds found.
// Found is nil for a new session.
func (t *Txn) Begin(e *Engine, req Request, token []byte, id string, found *records.Content) {
	who := identity{token: token, id: id}
	t.begin(e, req, who, found)
}

// BeginOver makes t a transaction over a new session that replaces an ended one: the
// request came with the cookie of its tombstone.
func (t *Txn) BeginOver(e *Engine, req Request, id string, tombstone *records.Content) {
	t.begin(e, req, identity{predecessor: &predecessor{id, tombstone}}, nil)
}

// BeginBeside makes t a transaction over a new session beside a stored one whose values
// cannot be decoded. The stored session is left as it is, until Renew or Destroy ends it.
func (t *Txn) BeginBeside(e *Engine, req Request, token []byte, id string, undecodable *records.Content) {
	t.begin(e, req, identity{}, nil)
	t.others = &others{unread: &pendingDestroy{identity: identity{token: token, id: id}, base: undecodable, cookie: true}}
}

// BeginRefused makes t a transaction over a new session, in place of a stored one that is not
// served to the request. If refusal is not nil, only a Renew may begin the new session: any
// other change fails with refusal.
func (t *Txn) BeginRefused(e *Engine, req Request, refusal error) {
	t.begin(e, req, identity{}, nil)
	if refusal != nil {
		t.others = &others{refusal: refusal}
	}
}

// BeginDetached makes t a transaction outside of any request: changes need an Update.
func (t *Txn) BeginDetached(e *Engine, req Request, id string, found *records.Content) {
	if found == nil {
		found = records.NewContent(e.Format)
	}
	t.begin(e, req, identity{id: id}, found)
	t.over = true
}

func (t *Txn) begin(e *Engine, req Request, who identity, found *records.Content) {
	began := found == nil
	if began {
		found = records.NewContent(e.Format)
	}
	t.e, t.req, t.others = e, req, &noOthers
	st := &t.state
	st.identity, st.began, st.view.base = who, began, found
	st.reads.keys.rows = t.firstRead[:0]
}

// SetRivals sets the live sessions that came with the request, none of which is served.
func (t *Txn) SetRivals(rivals []Rival) {
	if len(rivals) > 0 {
		t.others = &others{rivals: rivals}
	}
}

// PublicID returns the ID of the session's record, "" while it is not stored.
func (t *Txn) PublicID() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.id
}

// cameWith returns the identity that came with the request, if that has committed nothing.
func (t *Txn) cameWith() identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.state.destroyed; b != nil && b.id != "" && b != t.unread {
		return b.identity
	}
	return t.state.identity
}

// Began reports whether this request began the session.
func (t *Txn) Began() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.began
}

// Base returns the stored content that the request's changes are on top of.
func (t *Txn) Base() *records.Content {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.view.base
}

// HasReported reports whether the handler has seen an error from its last Save or Update.
func (t *Txn) HasReported() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reported
}

// Unsaved reports whether there are changes that are not saved.
func (t *Txn) Unsaved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unsaved()
}

func (t *Txn) unsaved() bool {
	st := &t.state
	return st.pending() || st.encoding != nil || st.destroyed != nil && (st.destroyed.id != "" || len(t.rivals) > 0)
}

// End is called when the request is over. Uncommitted changes are dropped, except those of
// a running Save or Update.
func (t *Txn) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if !t.busy {
		t.drop()
	}
}

// drop discards the pending changes and the place in the queue. If there were any
// changes, later commits return an error.
func (t *Txn) drop() {
	st := &t.state
	if st.id == "" {
		st.persist, st.limits = nil, nil // they alone do not store a session, so nothing is lost
	}
	told := t.failed != nil || t.reported
	t.failed = t.dropped()
	if !told && t.failed != nil {
		t.e.Logger.Warn("session: changes dropped", slog.String("public_id", st.id), slog.Any("error", t.failed))
	}
	if b := st.destroyed; b != nil && b.id != "" {
		st.identity, st.view.base, st.reads = b.identity, b.base, b.reads
	}
	t.state = state{identity: st.identity, began: st.began, view: view{base: st.view.base}, reads: st.reads}
	t.epoch++
	t.ticket.Leave()
	t.ticket = nil
}

// dropped returns the error of a transaction whose request is over. It is nil unless
// changes are being dropped or were dropped before.
func (t *Txn) dropped() error {
	reason := t.req.DropReason()
	switch {
	case errors.Is(t.failed, ErrRequestDone):
		return t.failed
	case !t.unsaved():
		return nil
	case t.failed != nil:
		return fmt.Errorf("%w: %w", ErrRequestDone, t.failed)
	case reason != "":
		return fmt.Errorf("%w: %s", ErrRequestDone, reason)
	case t.reported:
		return fmt.Errorf("%w: a Save or Update has failed", ErrRequestDone)
	default:
		return fmt.Errorf("%w: a goroutine made them after the last commit", ErrRequestDone)
	}
}
