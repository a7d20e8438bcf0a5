package owners

import (
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// Where an index has pruneFrom entries, the owner's sign-ins look for stale ones: at
	// one entry of pruneShare, at most maxPruned.
	pruneFrom  = 16
	pruneShare = 8
	maxPruned  = 16

	// signInTime is how long a sign-in is given from its entry until its session is
	// there, where others are to be refused.
	signInTime = time.Second
)

// signIn is the entering of one more session, by one try.
type signIn struct {
	index  *Index
	access *records.Access
	mine   *Entering
	owner  string
	before string // the session that this one is to replace
	at     time.Time
}

func (s *signIn) lookUp(entries []entry, at time.Time) (lookup, error) {
	return s.index.lookUp(s.access.Context(), s.access.Caller(), s.owner, entries, at)
}

// pruneSome looks up some entries of an index that has many, others each time, and
// returns those that are left: where nobody lists the sessions, it would grow by every
// one that is not logged out of.
func (s *signIn) pruneSome(old *records.Content, all []entry) []entry {
	if len(all) < pruneFrom {
		return all
	}
	n := min(len(all)/pruneShare, maxPruned)
	first := int(int64(n) * records.Commits(old.Version) % int64(len(all)))
	some := slices.Concat(all[first:], all[:first])[:n]
	found, err := s.lookUp(some, s.at)
	if err != nil { // then it stays as it is
		return all
	}
	return slices.DeleteFunc(all, func(e entry) bool { return slices.Contains(found.stale, e) })
}

// pruneAbove returns the entries of which there is a session or may be one soon.
func (s *signIn) pruneAbove(all []entry) ([]entry, error) {
	found, err := s.lookUp(all, s.at)
	s.access.Restart()
	if left := found.entries(); err != nil || len(left) < MaxEntries {
		return left, err
	}
	return nil, errFull
}

// makeRoom ends the oldest sessions of an owner who has as many as Limit allows, or
// refuses one more, and returns the entries that are left. The session before is not one
// of them, for this one is about to replace it.
func (s *signIn) makeRoom(entries []entry) ([]entry, error) {
	if limit := s.index.opts.Limit; limit < 0 || len(entries) < limit {
		return entries, nil
	}
	found, err := s.lookUp(entries, s.at)
	if err == nil {
		err = s.endStrays(&found)
	}
	switch {
	case err != nil:
	case s.index.opts.Refuses:
		err = s.refuse(&found)
	default:
		err = s.endOldest(&found)
	}
	s.access.Restart()
	return found.entries(), err
}

// endStrays ends sessions that this very commit has begun: their saves have arrived after
// they were given up, and nobody has their cookies.
func (s *signIn) endStrays(found *lookup) error {
	for i := 0; i < len(found.live); {
		stray := found.live[i]
		if stray.id == s.before || !slices.Contains(s.mine.ids, stray.id) {
			i++
			continue
		}
		if err := s.end(stray, found); err != nil {
			return err
		}
	}
	return nil
}

// end ends a session of found's that lives.
func (s *signIn) end(one member, found *lookup) error {
	if err := s.index.end(s.access.Caller(), one.id, one.Content, revocation{owner: s.owner}); err != nil {
		return err
	}
	found.live = slices.DeleteFunc(found.live, func(m member) bool { return m.id == one.id })
	found.stale = append(found.stale, one.entry)
	return nil
}

// endOldest ends as many of the oldest sessions as there are too many. With one that is
// being renewed ends the session that is to replace it.
func (s *signIn) endOldest(found *lookup) error {
	for excess := s.excess(found); excess > 0; excess-- {
		oldest := slices.IndexFunc(found.live, func(m member) bool { return m.id != s.before })
		if oldest < 0 {
			break
		}
		old := found.live[oldest]
		if err := s.end(old, found); err != nil {
			return err
		}
		for _, m := range slices.Clone(found.live) {
			if !m.replaces(old.id) {
				continue
			}
			if err := s.end(m, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// excess returns how many sessions there are too many if one is added.
func (s *signIn) excess(found *lookup) int {
	n := found.count() + 1 - s.index.opts.Limit
	if found.lives(s.before) {
		n--
	}
	return n
}

// count returns how many sessions live. One that is being renewed is in two records.
func (l *lookup) count() (n int) {
	for _, m := range l.live {
		if !l.replacesLive(m.entry) {
			n++
		}
	}
	return n
}

func (l *lookup) replacesLive(e entry) bool {
	return slices.ContainsFunc(l.live, func(m member) bool { return m.id != e.id && e.replaces(m.id) })
}

// refuse returns ErrTooManySessions if there is no room for one session more. Only
// sessions that live take room: a sign-in that has entered its session and failed must
// not keep the next one out. Whether one is under way or has failed nobody can tell, so
// it is given a moment.
func (s *signIn) refuse(found *lookup) error {
	if found.lives(s.before) { // which adds no session
		return nil
	}
	begin := time.Now()
	for try := 1; ; try++ {
		room := s.index.opts.Limit - found.count()
		if room <= 0 {
			return ErrTooManySessions
		}
		coming := found.coming(s.mine.ids, records.Now())
		left := signInTime - time.Since(begin)
		if len(coming) < room || left <= 0 {
			return nil
		}
		time.Sleep(min(left, time.Millisecond<<min(try, 6)))
		if err := s.lookAgain(coming, found); err != nil {
			return err
		}
	}
}

// coming returns the entries of sign-ins that are likely to be under way, other than the
// request's own.
func (l *lookup) coming(own []string, at time.Time) []entry {
	var coming []entry
	for _, e := range l.pending {
		if at.Before(e.since.Add(signInTime)) && !slices.Contains(own, e.id) && !l.replacesLive(e) {
			coming = append(coming, e)
		}
	}
	return coming
}

// lookAgain looks up some of the pending sessions once more.
func (s *signIn) lookAgain(some []entry, found *lookup) error {
	again, err := s.lookUp(some, records.Now())
	if err != nil {
		return err
	}
	found.pending = slices.DeleteFunc(found.pending, func(e entry) bool { return slices.Contains(some, e) })
	found.pending = append(found.pending, again.pending...)
	found.unreadable = append(found.unreadable, again.unreadable...)
	found.stale = append(found.stale, again.stale...)
	found.live = append(found.live, again.live...)
	return nil
}
