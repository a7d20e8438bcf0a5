package session

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Handler returns next with sessions: next and the handlers that it calls get theirs from
// [Load]. It calls next exactly once, and loads a session only on demand.
//
// Changes are committed when the response begins. If that fails, ErrorHandler answers in
// place of next's response.
func (m *Manager) Handler(next http.Handler) http.Handler {
	m.check()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.enclosing(r.Context()) != nil { // the same Manager already wraps this handler
			next.ServeHTTP(w, r)
			return
		}
		m.serve(next, w, r)
	})
}

// HandlerFunc returns fn with the visitor's session, as an http.HandlerFunc for
// ServeMux.Handle and HandleFunc. It works alone or inside of Handler. If the session
// cannot be loaded, ErrorHandler answers.
//
// A conflict is detected before the first byte is sent. If the request is a GET, HEAD or
// OPTIONS without a body, fn then runs again on the newest session, and only the response
// of the successful run is sent. These methods are safe (RFC 9110, section 9.2.1), so fn
// must be safe, too. fn does not run again after its own Save or Update has saved
// something, or after it has popped a key, renewed or destroyed the session: an OAuth
// callback must not exchange its code twice. Changes of fn in the session of another
// Manager are repeated at each run.
func (m *Manager) HandlerFunc(fn func(http.ResponseWriter, *http.Request, *Session)) http.HandlerFunc {
	m.check()
	h := &replayHandler{m: m, safeOnly: true, next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := m.loadOrFail(r); s != nil {
			fn(w, r, s)
		}
	})}
	return h.ServeHTTP
}

// loadOrFail returns the session of a request in Handler or Replay. If it cannot be
// loaded, it returns nil, and ErrorHandler answers.
func (m *Manager) loadOrFail(r *http.Request) *Session {
	s, err := m.Load(r.Context())
	if err != nil {
		writerOf(r.Context(), m).fail(err)
	}
	return s
}

func (m *Manager) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	var one struct { // a single allocation
		requestState
		responseWriter
		inner http.Request
	}
	p, rw, inner := &one.requestState, &one.responseWriter, &one.inner
	p.m, p.request = m, r
	rw.start(p, w, r, true)
	defer p.end()
	*inner = *r.WithContext(&rw.ctx)
	defer copyParsedForm(r, inner)
	rw.serve(next, inner)
	if rw.err != nil {
		copyParsedForm(r, inner) // the ErrorHandler may want to know as well
		rw.answer(r)
	}
}

// copyParsedForm copies the parsed form and the pattern from the handler's copy of the
// request to the original. net/http removes the temporary files of its own request's form
// only, and middleware outside may need the pattern.
func copyParsedForm(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}

// passiveKey is the context key that Passive sets.
type passiveKey struct{ m *Manager }

// Passive returns next such that its requests do not count as use of the session: they
// load it and do not extend it. It is for requests that a page makes without its user,
// such as polling, which would otherwise keep the session alive as long as the page is
// open.
//
// Passive applies to the whole request, and works outside or inside of Handler,
// HandlerFunc and Replay. Changes of such a request are saved; ExpiresAt and LastSeenAt
// stay. Renew and Persist restart the times as usual, and a new session gets its full
// time.
func (m *Manager) Passive(next http.Handler) http.Handler {
	m.check()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := m.enclosing(r.Context()); p != nil {
			p.passive.Store(true)
			next.ServeHTTP(w, r)
			return
		}
		inner := r.WithContext(context.WithValue(r.Context(), passiveKey{m}, true))
		defer copyParsedForm(r, inner)
		next.ServeHTTP(w, inner)
	})
}

// requestState is the state of one request in a Manager: it loads the session on demand,
// and holds its token until the header is sent.
type requestState struct {
	issuer                // of the token to be sent with the header
	request *http.Request // as it came in, with a context that no failed commit cancels

	loading    sync.Mutex   // held while the session is read
	loadErr    *error       // nil: the session was not read, or without an error
	sent       uint8        // how many tokens the request came with; known when the session was read
	usesHeader bool         // the visitor sends the token in Config.Header; as sent
	stage      atomic.Int32 // asked or loaded; 0: the session was not asked for
	dropped    atomic.Int32 // why it commits no more by itself: an index of dropReasons; 0: it does
	over       atomic.Bool  // the outermost handler has returned
	headerSent atomic.Bool  // the header is on its way

	insideReplay atomic.Bool
	passive      atomic.Bool // inside of Passive
	runsAgain    atomic.Bool // a conflict makes the handler run again
	destroyed    atomic.Bool // a Destroy was committed
	clearOthers  atomic.Bool // cookies of sessions that this request has ended are in other scopes

	own *ownSession // set before stage becomes loaded
}

// ownSession is the session that a request has loaded. Most requests load none, so it is no
// part of requestState.
type ownSession struct {
	Session
	varyRoom [1]string // the value of Vary, part of this allocation
}

var _ request = (*requestState)(nil)

// writerKey is the context key of the innermost responseWriter of m, or of any Manager if
// m is nil.
type writerKey struct{ m *Manager }

func writerOf(ctx context.Context, m *Manager) *responseWriter {
	rw, _ := ctx.Value(writerKey{m}).(*responseWriter)
	return rw
}

func requestStateOf(ctx context.Context, m *Manager) *requestState {
	if rw := writerOf(ctx, m); rw != nil {
		return rw.req
	}
	return nil
}

// enclosing returns the state of the request in m that ctx belongs to. If another Manager
// around it sets the same cookie or header, it would overwrite m's, which is logged.
func (m *Manager) enclosing(ctx context.Context) *requestState {
	innermost := requestStateOf(ctx, nil)
	if innermost == nil || innermost.m == m {
		return innermost
	}
	mine, other := &m.cfg, &innermost.m.cfg
	if name := mine.Cookie.Name; !mine.HeaderOnly && !other.HeaderOnly && other.Cookie.Name == name && !m.warnedOfNesting.Swap(true) {
		m.cfg.Logger.Error("session: nested Managers overwrite each other's cookie; give them different Config.Cookie.Names", slog.String("cookie", name))
	}
	if name := mine.responseHeader(); name != "" && other.responseHeader() == name && !m.warnedOfHeaders.Swap(true) {
		m.cfg.Logger.Error("session: nested Managers overwrite each other's token; give them different Config.Headers", slog.String("header", name))
	}
	return requestStateOf(ctx, m)
}

// These are the values of requestState.stage.
const (
	asked  = 1 + iota // the session was asked for, whether it was found or not
	loaded            // it was loaded
)

// session returns the session, or nil if it is not loaded.
func (p *requestState) session() *Session {
	if p.stage.Load() != loaded {
		return nil
	}
	return &p.own.Session
}

// commit stores the request's changes before a header of this status or, if status is 0,
// after it. An error response (500 or more) commits nothing. A client error response (400
// or more) of a handler whose last Save failed commits nothing either. Route is the pattern
// of the request.
func (p *requestState) commit(status int, route string) error {
	if p.session() == nil || p.dropped.Load() != 0 {
		return nil
	}
	tx := p.transaction()
	if status >= 500 || status >= 400 && tx != nil && tx.HasReported() {
		p.dropChanges(failedResponse)
		return nil
	}
	if tx == nil {
		return nil
	}
	return tx.CommitResponse(p.request.Context(), route)
}

// transaction returns the transaction of the session, or nil if there is none.
func (p *requestState) transaction() *txn.Txn {
	if s := p.session(); s != nil {
		return s.tx.Load()
	}
	return nil
}

// These are the values of requestState.dropped.
const (
	failedResponse = 1 + iota
	panicked
)

var dropReasons = [...]string{
	0:              "",
	failedResponse: "the response was an error",
	panicked:       "the handler panicked",
}

// dropChanges makes the request commit no more by itself. Only the first reason is kept.
func (p *requestState) dropChanges(reason int32) { p.dropped.CompareAndSwap(0, reason) }

// publicID returns the session's public ID for a log line.
func (p *requestState) publicID() string {
	if s := p.session(); s != nil {
		return s.PublicID()
	}
	return ""
}

// end is called when the outermost handler has returned.
func (p *requestState) end() {
	p.headerSent.Store(true)
	p.over.Store(true)
	if p.stage.Load() == 0 { // a later load finds that the request is over
		return
	}
	p.loading.Lock() // a goroutine of the request may be loading
	defer p.loading.Unlock()
	if s := p.session(); s != nil {
		s.end()
	}
}

// unsaved reports whether the request has changes that are not saved.
func (p *requestState) unsaved() bool {
	tx := p.transaction()
	return tx != nil && tx.Unsaved()
}

// leaveQueue gives up the place in the session's queue.
func (p *requestState) leaveQueue() {
	if tx := p.transaction(); tx != nil {
		tx.LeaveQueue()
	}
}

// These methods implement txn.Request.

func (p *requestState) Context() context.Context { return p.request.Context() }
func (p *requestState) Method() string           { return p.request.Method }
func (p *requestState) HeaderSent() bool         { return p.headerSent.Load() }
func (p *requestState) RunsAgain() bool          { return p.runsAgain.Load() }
func (p *requestState) ClearOthers()             { p.clearOthers.Store(true) }
func (p *requestState) NoteDestroy()             { p.destroyed.Store(true) }
func (p *requestState) HasToken() bool           { return p.sent > 0 }

func (p *requestState) Passive() bool {
	return p.passive.Load() || p.request.Context().Value(passiveKey{p.m}) != nil
}

func (p *requestState) DropReason() string { return dropReasons[p.dropped.Load()] }
