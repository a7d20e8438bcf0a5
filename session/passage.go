package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// passage is the way of one request through a Manager: it loads the session
// when it is asked for, and holds the cookie until the header goes out.
type passage struct {
	m       *Manager
	request *http.Request // as it came in, with a context that no failed commit cancels

	loading sync.Mutex // held while the session is read
	loadErr error
	asked   atomic.Bool // for the session, whether it was found or not
	over    atomic.Bool // the outermost handler has returned
	session atomic.Pointer[Session]

	cookie    atomic.Pointer[http.Cookie] // to be set with the header
	sent      atomic.Bool                 // the header is on its way
	settled   atomic.Pointer[string]      // why it commits no more by itself; nil: it does
	within    atomic.Bool                 // inside of a Replay
	passive   atomic.Bool                 // inside of Passive
	replaying atomic.Bool                 // a conflict makes the handler run again
	scattered atomic.Bool                 // cookies of sessions that this request has ended are in other scopes
}

// runKey is the key of the innermost run in a context, or of m's.
type runKey struct{ m *Manager }

func runOf(ctx context.Context, m *Manager) *run {
	rn, _ := ctx.Value(runKey{m}).(*run)
	return rn
}

func passageOf(ctx context.Context, m *Manager) *passage {
	if rn := runOf(ctx, m); rn != nil {
		return rn.pass
	}
	return nil
}

// around returns the passage through m that ctx is inside of. Another Manager
// around that uses the same cookie would overwrite m's, which is logged.
func (m *Manager) around(ctx context.Context) *passage {
	innermost := passageOf(ctx, nil)
	if innermost == nil || innermost.m == m {
		return innermost
	}
	name := m.cfg.Cookie.Name
	if innermost.m.cfg.Cookie.Name == name && !m.clashed.Swap(true) {
		m.cfg.Logger.Error("session: nested Managers overwrite each other's cookie; give them different Config.Cookie.Names", slog.String("cookie", name))
	}
	return passageOf(ctx, m)
}

// load returns the session, the same at every call.
func (p *passage) load(ctx context.Context) (*Session, error) {
	var event Event
	s, err := p.loadOnce(ctx, &event)
	p.m.observed(ctx, event) // without the lock: it may ask for the session, too
	return s, err
}

func (p *passage) loadOnce(ctx context.Context, event *Event) (*Session, error) {
	p.loading.Lock()
	defer p.loading.Unlock()
	if s := p.session.Load(); s != nil || p.loadErr != nil {
		return s, p.loadErr
	}
	p.asked.Store(true)
	s, err := p.read(ctx, event)
	p.session.Store(s)
	p.loadErr = err
	if s != nil && p.over.Load() {
		s.end()
	}
	return s, err
}

func (p *passage) read(ctx context.Context, event *Event) (*Session, error) {
	var room [2]string
	sent := p.cookies(room[:0])
	if len(sent) == 0 {
		return p.newSession(identity{}, nil), nil
	}
	*event = p.m.watch(OpLoad)
	found, err := p.find(ctx, sent)
	if err == nil {
		err = found.problem()
	}
	event.PublicID, event.Err = found.session.id, err
	switch {
	case errors.Is(err, errTombstone):
		ended := found.tombstone
		return p.newSession(identity{predecessor: &predecessor{ended.id, ended.content}}, nil), nil
	case found.unread.content != nil && found.err == nil && errors.Is(err, ErrUnreadable):
		event.PublicID = found.unread.id
		return p.beside(found.unread, err), nil
	case err != nil:
		return nil, err
	}
	p.warnOfSeveral(len(sent), found)
	s := p.newSession(found.session.identity, found.session.content) // an ID that is not there is never adopted
	s.others = found.rivals
	return s, nil
}

// deadline returns when a load is to be over.
func (p *passage) deadline(ctx context.Context) time.Time {
	if p.m.local {
		return time.Time{}
	}
	deadline := time.Now().Add(p.m.cfg.StoreTimeout)
	if sooner, ok := ctx.Deadline(); ok {
		return earlier(deadline, sooner)
	}
	return deadline
}

func (p *passage) newSession(who identity, found *content) *Session {
	began := found == nil
	if began {
		found = p.m.freshContent()
	}
	return &Session{
		m: p.m, pass: p, loaded: who,
		state: state{identity: who, began: began, view: view{base: found}},
	}
}

// commit stores what the request has changed, before a header of this status
// or, with 0, after it. A response that is an error commits nothing, nor does
// one of a client's error by a handler that has seen Save fail.
func (p *passage) commit(status int) error {
	s := p.session.Load()
	if s == nil || p.settled.Load() != nil {
		return nil
	}
	if status >= 500 || status >= 400 && s.hasReported() {
		p.settle(&failedResponse)
		return nil
	}
	return s.commit(p.request.Context(), auto)
}

// Why a request commits no more by itself.
var (
	failedResponse = "the response was an error"
	panicked       = "the handler panicked"
)

// settle makes the request commit no more by itself. The first reason counts.
func (p *passage) settle(why *string) { p.settled.CompareAndSwap(nil, why) }

// decorate adds to h what the session asks of the response.
func (p *passage) decorate(h http.Header) {
	if p.asked.Load() {
		varyByCookie(h)
	}
	cookie := p.cookie.Load()
	if cookie == nil {
		return
	}
	put(h, cookie, p.elsewhere(cookie))
	if cookie.Secure && losesSecure(p.request) && !p.m.warned.Swap(true) {
		p.m.cfg.Logger.Error("session: browsers drop this Secure cookie if it goes over plain HTTP, as it seems to; "+
			"serve HTTPS, let the proxy send X-Forwarded-Proto, or set Config.Cookie.Insecure", slog.String("host", p.request.Host))
	}
	if fromAnotherSite(p.request, cookie.SameSite) && len(p.cookies(nil)) == 0 && !p.m.crossed.Swap(true) {
		p.m.cfg.Logger.Warn("session: a request from a page of another site began a session, whose cookie replaces that of the visitor's own, "+
			"which the browser keeps back there; keep what such requests need in a second Manager with SameSite=None "+
			"and a cookie Name of its own: see the example \"cross-site\" of Cookie", slog.String("method", p.request.Method))
	}
}

// elsewhere returns the cookies that clear the session's name in other scopes than
// that of cookie, which is to be set. A cookie of another scope may be another
// site's, so it is cleared only with its session, or where so many have come that
// the new one would not be found.
func (p *passage) elsewhere(cookie *http.Cookie) []*http.Cookie {
	switch sent := len(p.cookies(nil)); {
	case sent > maxCandidates, sent > 1 && cookie.MaxAge < 0, p.scattered.Load():
		return p.m.cfg.Cookie.elsewhere(p.request)
	}
	return nil
}

// cookies appends the values of the request's cookies of the session's name.
func (p *passage) cookies(values []string) []string {
	return p.m.cfg.Cookie.sent(values, p.request.Header)
}

// publicID returns the session's public name for a log line.
func (p *passage) publicID() string {
	if s := p.session.Load(); s != nil {
		return s.PublicID()
	}
	return ""
}

// end is called when the outermost handler has returned.
func (p *passage) end() {
	p.sent.Store(true)
	p.over.Store(true)
	if !p.asked.Load() { // a load that comes now finds that it is over
		return
	}
	p.loading.Lock() // a goroutine of the request may be at it
	defer p.loading.Unlock()
	if s := p.session.Load(); s != nil {
		s.end()
	}
}

// unsaved reports whether the request has changes that are not saved.
func (p *passage) unsaved() bool {
	s := p.session.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsaved()
}

// hasReported reports whether the handler has seen a commit fail.
func (s *Session) hasReported() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reported
}

// end is called when the request is over. What it has not committed it never
// will, but for what a Save or an Update of another goroutine is at.
func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if !s.busy {
		s.drop()
	}
}

// drop gives up what is pending, and what holds other requests up. Later commits
// return the error that this leaves.
func (s *Session) drop() {
	st := &s.state
	if st.id == "" {
		st.persist = nil // without values it stores no session, which is no loss
	}
	told := s.failed != nil || s.reported
	s.failed = s.dropped()
	if !told && s.failed != nil {
		s.m.cfg.Logger.Warn("session: changes dropped", slog.String("public_id", st.id), slog.Any("error", s.failed))
	}
	if b := st.doomed; b != nil && b.id != "" {
		st.identity, st.view.base, st.reads = b.identity, b.base, b.reads
	}
	s.state = state{identity: st.identity, began: st.began, view: view{base: st.view.base}, reads: st.reads}
	s.epoch++
	s.turn.Leave()
	s.turn = nil
}

// dropped returns the error of a session whose request is over: nil unless changes
// of it are or were dropped.
func (s *Session) dropped() error {
	why := s.pass.settled.Load()
	switch {
	case errors.Is(s.failed, ErrRequestDone):
		return s.failed
	case !s.unsaved():
		return nil
	case s.failed != nil:
		return fmt.Errorf("%w: %w", ErrRequestDone, s.failed)
	case why != nil:
		return fmt.Errorf("%w: %s", ErrRequestDone, *why)
	case s.reported:
		return fmt.Errorf("%w: a Save or Update has failed", ErrRequestDone)
	default:
		return fmt.Errorf("%w: a goroutine made them after the last commit", ErrRequestDone)
	}
}

// unsaved reports whether there is something to lose.
func (s *Session) unsaved() bool {
	st := &s.state
	return st.pending() || st.encoding != nil || st.doomed != nil && (st.doomed.id != "" || len(s.others) > 0)
}
