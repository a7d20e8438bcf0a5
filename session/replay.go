package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// HandlerFunc returns fn with the visitor's session, as an http.HandlerFunc:
// ServeMux takes it by Handle and by HandleFunc. It works alone or inside of
// Handler. If the session cannot be loaded, ErrorHandler answers.
//
// A conflict shows before a byte is sent. If the request is a GET, HEAD or
// OPTIONS without a body, fn then runs again on the newest session, so that
// only the run that succeeds is seen: these methods are safe (RFC 9110, section
// 9.2.1) and fn must be, too. It does not run again once a Save or Update of its
// own has saved something, or it has popped a key, renewed or destroyed the
// session: an OAuth callback must not exchange its code twice. What it changes
// in the session of another Manager, though, it changes again at each run.
func (m *Manager) HandlerFunc(fn func(http.ResponseWriter, *http.Request, *Session)) http.HandlerFunc {
	m.check()
	l := &leaf{m: m, careful: true, next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.Load(r.Context())
		if err != nil {
			runOf(r.Context(), m).fail(err)
			return
		}
		fn(w, r, s)
	})}
	return l.ServeHTTP
}

// Replay returns next such that it runs again when its session has met a
// conflict, whatever the method. It works alone or inside of Handler. Put it
// around the innermost handler of a route: routers do not route a request
// twice. Each run gets a request of its own, with the body from its beginning.
// What next does beside the session happens again, so it must bear that. One
// request is in one such handler at a time.
//
// It does not run again once a Save or Update of its own has saved something, or
// it has read more of the body than Config.MaxReplayBody.
func (m *Manager) Replay(next http.Handler) http.Handler {
	m.check()
	return &leaf{m: m, next: next}
}

// leaf is a handler that may run more than once for one request.
type leaf struct {
	m       *Manager
	next    http.Handler
	careful bool // nobody has said that next bears another run
}

// ServeHTTP implements http.Handler.
func (l *leaf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := l.m.around(r.Context())
	if p != nil && p.within.Load() { // the Replay around this leaf runs it again
		l.next.ServeHTTP(w, r)
		return
	}
	outermost := p == nil
	if outermost {
		p = &passage{m: l.m, request: r}
		defer p.end()
	}
	defer p.leaveLane()
	defer p.replaying.Store(false)
	if !l.careful {
		p.within.Store(true)
		defer p.within.Store(false)
	}
	re := &replay{leaf: l, p: p, outermost: outermost, attempts: l.m.cfg.ReplayAttempts}
	if l.careful && !repeatable(r) {
		re.attempts = 1
	}
	re.entry = p.entry()
	if rn := re.runAll(w, r); rn.err != nil {
		rn.answer(r)
	}
}

// repeatable reports whether r may be handled twice without anybody's leave.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		// Over HTTP/2 there always is a Body, but a length of 0 is known to be none.
		return r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0
	}
	return false
}

// replay is the runs of one request.
type replay struct {
	*leaf
	p         *passage
	outermost bool
	attempts  int
	entry     *entry
	body      *tape
}

// runAll runs the handler until it has met no conflict or may not run again. It
// returns the last run.
func (re *replay) runAll(w http.ResponseWriter, r *http.Request) *run {
	if re.attempts > 1 && r.Body != nil && r.Body != http.NoBody {
		re.body = &tape{src: r.Body, limit: re.m.cfg.MaxReplayBody}
		defer re.body.close()
	}
	for n := 1; ; n++ {
		rn := new(run)
		rn.start(re.p, w, r, re.outermost)
		last := n >= re.attempts
		re.p.replaying.Store(!last)
		if re.runOnce(rn, r, last) {
			return rn
		}
		rn.restore()
		re.m.again(r.Context(), re.p.publicID(), n)
	}
}

// runOnce runs the handler, and reports whether that was the last time.
func (re *replay) runOnce(rn *run, r *http.Request, last bool) (done bool) {
	inner := re.request(rn, r)
	defer func() {
		if done {
			giveBack(r, inner)
		} else if inner.MultipartForm != nil && r.MultipartForm == nil { // not one that was parsed outside
			_ = inner.MultipartForm.RemoveAll()
		}
	}()
	done = true // also for a panic
	rn.serve(re.next, inner)
	if last && re.attempts > 1 && errors.Is(rn.err, ErrConflict) {
		rn.err = fmt.Errorf("%w (it ran %d times, as Config.ReplayAttempts has it)", rn.err, re.attempts)
	}
	return last || !errors.Is(rn.err, ErrConflict) || !re.rewind(rn)
}

// request returns the request of one run. A handler that changes its request
// must not change that of the next run.
func (re *replay) request(rn *run, r *http.Request) *http.Request {
	if re.attempts == 1 {
		return r.WithContext(&rn.ctx)
	}
	inner := r.Clone(&rn.ctx)
	inner.Trailer = r.Trailer // net/http fills it in when the body has been read
	if re.body != nil {
		inner.Body = re.body.rewind()
	}
	return inner
}

// rewind brings the session back to what it was when the leaf was entered, on
// top of the newest content, if the run that has failed allows it.
func (re *replay) rewind(rn *run) bool {
	s := re.p.session.Load()
	if s == nil || re.body.overrun() || !s.mayRunAgain(re.entry, re.careful) {
		return false
	}
	if err := s.rewind(re.p.request.Context(), re.entry); err != nil {
		rn.err = err
		return false
	}
	return true
}

// entry is the session as it was when a leaf was entered.
type entry struct {
	committed int
	state     state
}

// entry returns nil if the session is not loaded yet.
func (p *passage) entry() *entry {
	s := p.session.Load()
	if s == nil {
		return nil
	}
	at := s.savepoint()
	s.mu.Lock()
	defer s.mu.Unlock()
	return &entry{committed: s.committed, state: at}
}

// mayRunAgain reports whether a run since at has done nothing that another run
// would do twice. With careful that includes what the handler has not been said
// to bear.
func (s *Session) mayRunAgain(at *entry, careful bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at == nil {
		at = new(entry)
	}
	st := &s.state
	if s.committed > at.committed || at.state.id == "" && at.state.doomed != nil || s.ended {
		return false
	}
	return !careful || len(st.popped) == len(at.state.popped) && st.renew == at.state.renew && st.doomed == at.state.doomed
}

// rewind puts the session back to at, rebased on the newest content, unless
// what was read before the leaf, by code that will not run again, has changed.
func (s *Session) rewind(ctx context.Context, at *entry) error {
	if at == nil {
		at = &entry{state: state{identity: s.loaded}}
	}
	s.enterLane(ctx, at.state.id)
	newest, err := s.newest(ctx, at.state.id)
	if err != nil {
		return err
	}
	if key, stale := at.state.reads.stale(newest, hard); stale {
		return conflict(fmt.Sprintf("key %q was read outside of the handler that runs again, and has changed meanwhile", key), readInside)
	}
	if at.state.reads.listingStale(newest) {
		return conflict("the keys were listed outside of the handler that runs again, and have changed meanwhile", readInside)
	}
	s.rollback(at.state)
	s.forgive()
	return s.rebase(newest)
}

// readInside is the remedy where what runs once has read the session.
const readInside = "read the session in that handler, or put Manager.Replay around what reads it"

// forgive lets a session whose commit has failed start again.
func (s *Session) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.reported = nil, false
}

func (p *passage) leaveLane() {
	if s := p.session.Load(); s != nil {
		s.leaveLane()
	}
}
