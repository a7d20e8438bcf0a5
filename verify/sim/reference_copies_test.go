package sim

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// Flaws of copies for requests that only read.
const (
	servesOld        flaw = "serves copies of any age"
	servesUnseen     flaw = "serves copies that are older than what the browser has seen"
	servesAll        flaw = "serves copies to requests that are not safe"
	servesEnded      flaw = "serves copies of sessions that it has ended"
	keepsEarlier     flaw = "keeps what it read before it ended the session"
	agesLate         flaw = "counts the age of a copy from the reply"
	tellsChangesOnly flaw = "does not tell the browser which version it has read"
)

// referenceCopies are the copies of a reference, under its lock.
type referenceCopies struct {
	maxStale time.Duration // 0: there are none
	all      map[string]referenceCopy
	removals int
}

type referenceCopy struct {
	rec  *provider.Record
	page page
	call referenceCall
}

// referenceCall is the state of the copies when a call of the store is sent.
type referenceCall struct {
	sent     time.Time
	removals int
}

func (t *reference) beginCall() referenceCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	return referenceCall{time.Now(), t.copies.removals}
}

// look returns the session of a cookie: a copy if the request may use one.
func (s *referenceSession) look(id string) (*provider.Record, page, error) {
	if c, ok := s.copyOf(id); ok {
		return c.rec, c.page, nil
	}
	call := s.beginCall()
	rec, pg, err := s.fetch(id)
	if err == nil && rec != nil {
		s.keep(id, rec, pg, call)
	}
	return rec, pg, err
}

func (s *referenceSession) copyOf(id string) (c referenceCopy, usable bool) {
	if s.x.r.Method != http.MethodGet && s.flaw != servesAll {
		return c, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.copies.all[id]
	switch {
	case !ok, time.Since(c.call.sent) > s.copies.maxStale && s.flaw != servesOld, c.rec.Expired(time.Now()):
		return c, false
	}
	return c, counter(c.rec.Version) >= s.seenCounter(id) || s.flaw == servesUnseen
}

// keep adds a copy of what a call has returned or saved.
func (t *reference) keep(id string, rec *provider.Record, pg page, call referenceCall) {
	if pg.Ended && t.flaw != servesEnded {
		t.forget(id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flaw == agesLate {
		call.sent = time.Now()
	}
	old, ok := t.copies.all[id]
	switch {
	case t.copies.maxStale == 0, pg.Ended, call.removals != t.copies.removals && t.flaw != keepsEarlier:
	case !ok || counter(old.rec.Version) <= counter(rec.Version):
		t.copies.all[id] = referenceCopy{rec, pg, call}
	}
}

func (t *reference) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copies.removals++
	delete(t.copies.all, id)
}

// counter is the part of a version that tells which of two is newer.
func counter(version int64) int64 { return version >> 32 }

// seenCounter returns the counter of the version that the browser has seen.
func (s *referenceSession) seenCounter(id string) (n int64) {
	for _, c := range s.x.r.CookiesNamed(versionCookie) {
		number, of, _ := strings.Cut(c.Value, ".")
		if of == id {
			fmt.Sscan(number, &n)
		}
	}
	return n
}

// tellVersion sets the cookie of the version.
func (s *referenceSession) tellVersion() {
	if s.copies.maxStale == 0 || s.version == 0 || s.flaw == tellsChangesOnly && s.page.Data == s.loaded {
		return
	}
	http.SetCookie(s.x.w, &http.Cookie{
		Name: versionCookie, Value: fmt.Sprint(counter(s.version), ".", s.id),
		MaxAge: int(s.copies.maxStale/time.Second) + 1,
	})
}
