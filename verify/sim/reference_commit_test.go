package sim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// How the reference saves sessions, and ends them.

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
