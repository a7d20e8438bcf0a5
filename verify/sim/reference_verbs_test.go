package sim

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// What handlers do to sessions of the reference.

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
	for k, n := range s.page.Data[:label] {
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
