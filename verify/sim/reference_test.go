package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// flaw is a mistake that session layers make. The oracle must find each.
type flaw string

const (
	sound         flaw = ""
	savesBlindly  flaw = "saves whole sessions without looking"
	forgetsReads  flaw = "puts its writes on top of whatever there is"
	appliesTwice  flaw = "repeats what may have landed"
	recreates     flaw = "saves what was destroyed"
	keepsSession  flaw = "logs out by clearing the cookie only"
	forwards      flaw = "lets an old cookie open the renewed session"
	copies        flaw = "leaves the old session open on Renew"
	forks         flaw = "copies the data again when a renewal comes late"
	noTombstone   flaw = "deletes on Renew and Destroy"
	setsCookie    flaw = "sets the cookie with every answer"
	savesErrors   flaw = "commits with a 500"
	hidesErrors   flaw = "answers as if a conflict were none"
	neverExpires  flaw = "does not let idle sessions end"
	leaksSessions flaw = "shares what it loaded among requests"
	retries       flaw = "goes on after a failed Save"
	revives       flaw = "begins a session over any tombstone"
	claimsTwice   flaw = "begins a session over a tombstone for each request"
	carriesOver   flaw = "logs in with what it read of a session that has ended"
)

var flaws = []flaw{
	savesBlindly, forgetsReads, appliesTwice, recreates, keepsSession, forwards, copies, forks,
	noTombstone, setsCookie, savesErrors, hidesErrors, neverExpires, leaksSessions, retries,
	revives, claimsTwice, carriesOver,
	servesOld, servesUnseen, servesAll, servesEnded, keepsEarlier, agesLate, tellsChangesOnly,
}

// reference is a small session layer: whole sessions, one attempt, any change by
// another request is a conflict. But for its flaw it is sound.
type reference struct {
	store provider.Provider
	flaw  flaw

	mu     sync.Mutex
	last   data // of leaksSessions
	copies referenceCopies
}

func newToy(f flaw) maker {
	return func(p provider.Provider, prog *Program) system {
		return &reference{store: p, flaw: f, last: nothing, copies: referenceCopies{maxStale: prog.maxStale, all: map[string]referenceCopy{}}}
	}
}

// page is what the reference stores.
type page struct {
	Data    data
	Ended   bool
	Revoked bool
	Claimed bool
	Next    string
	Persist time.Time
}

// toySession is a session of the reference in a handler's hands. What a commit has
// changed of it stays, so that a Renew is known by its new version.
type referenceSession struct {
	*reference
	x                          *exchange
	id                         string
	version                    int64 // 0: new
	page                       page
	old                        data // as loaded or saved last
	loaded                     data
	facing                     tombstone
	saw                        bool // something of what was loaded
	renews, destroys, persists bool
	dirty                      bool
	cookie                     *http.Cookie
	failed                     error
}

// tombstone is what the cookie of an ended session leads to.
type tombstone struct {
	page
	id      string
	version int64 // 0: it does not
}

func (t *reference) serve(x *exchange) {
	s := &referenceSession{reference: t, x: x, page: page{Data: nothing}}
	if err := s.load(); err != nil {
		x.err = err
		x.w.WriteHeader(session.StatusCode(err))
		return
	}
	if x.mode == guarded {
		x.guard(s)
	}
	status := x.leaf(s)
	var err error
	if told := s.failed != nil; status < 400 || status < 500 && !told || t.flaw == savesErrors {
		err = s.save(x.r.Context())
	}
	if s.cookie != nil {
		http.SetCookie(x.w, s.cookie)
	}
	if err == nil {
		s.tellVersion()
	}
	if err != nil && t.flaw != hidesErrors {
		x.err = err
		status = session.StatusCode(err)
	}
	x.w.WriteHeader(status)
}

// load opens the session of the request's cookie.
func (s *referenceSession) load() error {
	c, err := s.x.r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	if s.flaw == setsCookie {
		s.cookie = &http.Cookie{Name: cookieName, Value: c.Value}
	}
	id := c.Value
	for {
		rec, pg, err := s.look(id)
		switch {
		case err != nil || rec == nil:
			return err
		case pg.Ended && s.flaw == forwards && pg.Next != "":
			id = pg.Next
			continue
		case pg.Ended:
			s.facing = tombstone{pg, id, rec.Version}
			return nil
		}
		s.id, s.version, s.page, s.old, s.loaded = id, rec.Version, pg, pg.Data, pg.Data
		s.page.Data = s.leak(pg.Data)
		return nil
	}
}

func (t *reference) leak(loaded data) data {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flaw != leaksSessions || t.last == nothing {
		t.last = loaded
	}
	return t.last
}

func (s *referenceSession) fetch(id string) (*provider.Record, page, error) {
	var pg page
	rec, err := s.store.Fetch(s.context(), id)
	if errors.Is(err, provider.ErrNotFound) {
		return nil, pg, nil
	}
	if err != nil {
		return nil, pg, errors.Join(session.ErrUnavailable, err)
	}
	return rec, pg, json.Unmarshal(rec.Data, &pg)
}

func (s *referenceSession) context() context.Context { return s.deadline(s.x.r.Context()) }

// deadline is three seconds from now. It needs no cancel: nobody waits for it
// but the store, and the bubble's clock is free.
func (s *referenceSession) deadline(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	context.AfterFunc(ctx, cancel)
	return ctx
}
