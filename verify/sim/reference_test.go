package sim

import (
	"context"
	"crypto/rand"
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

// put saves a page on top of the version expected, and returns its own.
func (s *referenceSession) put(id string, pg *page, expect int64) (int64, error) {
	life := time.Hour
	switch {
	case pg.Ended && pg.Next != "" && pg.Persist.IsZero():
		life = 24 * time.Hour
	case pg.Ended:
		life = 5 * time.Minute
	case s.flaw == neverExpires:
		life = 100 * time.Hour
	}
	at := time.Now().Add(life)
	if pg.Persist.After(at) && !(pg.Ended && pg.Next == "") {
		at = pg.Persist
	}
	body, _ := json.Marshal(pg)
	rec := &provider.Record{ID: id, Version: expect + 1<<32 + nonce(), ExpiresAt: at, Format: "toy", Data: body}
	if s.flaw == savesBlindly {
		expect = -1
	}
	call := s.beginCall()
	err := s.store.Save(s.context(), rec, expect)
	if err == nil {
		s.keep(id, rec, *pg, call)
		return rec.Version, nil
	}
	s.forget(id)
	switch {
	case errors.Is(err, provider.ErrVersionConflict):
		return s.overtaken(id, pg, expect)
	case s.flaw == appliesTwice && expect >= 0:
		for k, n := range pg.Data {
			pg.Data[k] += number(n) - number(s.old[k])
		}
		return s.put(id, pg, -1)
	}
	if now, _, err := s.fetch(id); err == nil && now != nil && now.Version == rec.Version {
		return rec.Version, nil
	}
	return 0, session.ErrOutcomeUnknown
}

func nonce() int64 {
	var b [2]byte
	rand.Read(b[:])
	return int64(b[0])<<8 | int64(b[1])
}

// overtaken is what a conflict comes to.
func (s *referenceSession) overtaken(id string, pg *page, expect int64) (int64, error) {
	now, theirs, err := s.fetch(id)
	switch {
	case err != nil:
		return 0, err
	case now == nil:
		return 0, session.ErrEnded
	case theirs.Ended && s.flaw == recreates:
		return s.put(id, pg, now.Version)
	case theirs.Ended:
		return 0, session.ErrEnded
	case s.flaw == forgetsReads && !pg.Ended:
		for k, n := range pg.Data {
			if n == s.old[k] {
				pg.Data[k] = theirs.Data[k]
			}
		}
		return s.put(id, pg, now.Version)
	}
	return 0, session.ErrConflict
}

func (s *referenceSession) save(context.Context) error {
	if s.failed != nil && s.flaw != retries {
		return s.failed
	}
	if s.dirty {
		s.failed = s.commit()
	}
	return s.failed
}

func (s *referenceSession) commit() (err error) {
	defer func() { s.dirty, s.renews, s.destroys, s.old = false, false, false, s.page.Data }()
	switch {
	case s.destroys && s.version > 0:
		if err = s.logout(); err != nil || s.page.Data == nothing {
			return err
		}
	case s.renews && s.version > 0:
		return s.move()
	case s.version > 0:
		s.version, err = s.put(s.id, &s.page, s.version)
		if err == nil && s.persists {
			s.give(s.id)
		}
		return err
	case s.page.Data == nothing && !s.renews:
		return nil
	case s.facing.version > 0:
		if err = s.claim(); err != nil && !(s.renews && errors.Is(err, session.ErrEnded)) {
			return err
		}
	}
	return s.start()
}

// claim lets the one request begin a session where one was revoked.
func (s *referenceSession) claim() error {
	t := &s.facing
	if s.flaw == revives {
		return nil
	}
	if !t.Revoked || t.Claimed && s.flaw != claimsTwice {
		return session.ErrEnded
	}
	t.Claimed = true
	_, err := s.put(t.id, &t.page, t.version)
	if errors.Is(err, session.ErrEnded) && s.flaw == claimsTwice {
		return nil
	}
	return err
}

// start begins a session with what the page holds.
func (s *referenceSession) start() error {
	id := rand.Text()
	version, err := s.put(id, &s.page, 0)
	if err != nil {
		return err
	}
	s.id, s.version = id, version
	s.give(id)
	return nil
}

// logout leaves a tombstone.
func (s *referenceSession) logout() error {
	if s.flaw != keepsSession {
		if err := s.bury(""); err != nil {
			return err
		}
	}
	s.version = 0
	s.cookie = &http.Cookie{Name: cookieName, MaxAge: -1}
	return nil
}

func (s *referenceSession) bury(next string) error {
	if s.flaw == noTombstone {
		return s.store.Delete(s.context(), s.id)
	}
	_, err := s.put(s.id, &page{Data: nothing, Ended: true, Next: next, Persist: s.page.Persist}, s.version)
	return err
}

// move gives the session a new ID.
func (s *referenceSession) move() error {
	old, was := s.id, s.version
	if !s.page.Persist.IsZero() {
		s.page.Persist = time.Now().Add(persisted)
	}
	id := rand.Text()
	version, err := s.put(id, &s.page, 0)
	if err != nil {
		return err
	}
	if s.flaw != copies {
		carries := s.flaw == forks || s.flaw == carriesOver && s.saw
		if err := s.bury(id); err != nil && !(carries && errors.Is(err, session.ErrEnded)) {
			s.id, s.version = old, was
			return err
		}
	}
	s.id, s.version = id, version
	s.give(id)
	return nil
}

func (s *referenceSession) give(id string) { s.cookie = &http.Cookie{Name: cookieName, Value: id} }

func (s *referenceSession) write(k int, n int32) { s.page.Data[k], s.dirty = n, true }

func (s *referenceSession) isNew() bool { return s.version == 0 }
func (s *referenceSession) get(k int) (int, bool) {
	n := s.page.Data[k]
	s.saw = s.saw || s.version > 0 && n != none && n == s.old[k]
	return int(number(n)), n != none
}
func (s *referenceSession) set(k, n int) { s.write(k, int32(n)) }
func (s *referenceSession) del(k int)    { s.write(k, none) }
func (s *referenceSession) pop(k int) (int, bool) {
	n, ok := s.get(k)
	if ok {
		s.del(k)
	}
	return n, ok
}

func (s *referenceSession) update(k int, fn func(int) int) int {
	n, _ := s.get(k)
	n = fn(n)
	s.set(k, n)
	return n
}

func (s *referenceSession) keys() (list []string) {
	for k, n := range s.page.Data {
		if n != none {
			list = append(list, keyNames[k])
		}
	}
	return list
}

func (s *referenceSession) clear() { s.page.Data, s.dirty = s.page.Data.cleared(), true }
func (s *referenceSession) renew() { s.renews, s.dirty = true, true }
func (s *referenceSession) destroy() {
	s.page, s.persists = page{Data: nothing}, false
	s.destroys, s.dirty = true, true
}

func (s *referenceSession) persist(d time.Duration) {
	s.page.Persist = time.Now().Add(d)
	s.persists, s.dirty = true, true
}

func (s *referenceSession) revoke(context.Context) error {
	_, err := s.put(s.id, &page{Data: nothing, Ended: true, Revoked: true}, s.version)
	return err
}

func (s *referenceSession) transact(ctx context.Context, fn func(verbs) error) error {
	if s.failed != nil && s.flaw != retries {
		return s.failed
	}
	if err := fn(s); err != nil {
		return err
	}
	if !s.dirty && s.version > 0 { // what was read must be so now
		now, _, err := s.fetch(s.id)
		switch {
		case err != nil:
			return err
		case now == nil || now.Version != s.version:
			s.failed = session.ErrConflict
		}
	}
	return s.save(ctx)
}
