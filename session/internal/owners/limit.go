package owners

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// An owner with pruneFrom entries or more has its sign-ins look for stale entries: each
	// looks up one in pruneShare of them, at most maxPruned.
	pruneFrom  = 16
	pruneShare = 8
	maxPruned  = 16

	// signInTime is how long a sign-in with OwnerLimitRefuses waits for the session of a
	// pending entry to be stored.
	signInTime = time.Second
)

// signIn is one attempt to enter one more session.
type signIn struct {
	index  *Index
	access *records.Access
	mine   *Entering
	label  records.Label
	before string // the session that this one is to replace
	at     envelope.Time
	alive  map[entry]*records.Content // what earlier tries of the sign-in have read; nil: nothing
}

// lookUp looks up the sessions of these entries. A try after a conflict does not read again
// those that were alive in the try before: if many browsers sign in to one account, each try
// would else read all sessions, take so long that another sign-in comes first, and fail. A
// session that has ended in between may then still count. With Refuses it must not, because a
// place that has become free is the visitor's.
func (s *signIn) lookUp(entries []entry, at envelope.Time) (lookup, error) {
	unknown := slices.Clone(entries)
	if !s.index.opts.Refuses {
		unknown = slices.DeleteFunc(unknown, func(e entry) bool { return s.alive[e] != nil })
	}
	found, err := s.index.lookUp(s.access.Context(), s.access.Caller(), s.label, unknown, at)
	if err != nil || s.index.opts.Refuses {
		return found, err
	}
	for _, e := range entries {
		if c := s.alive[e]; c != nil {
			found.live = append(found.live, member{e, c})
		}
	}
	slices.SortStableFunc(found.live, func(a, b member) int { return cmp.Compare(a.since, b.since) })
	s.alive = make(map[entry]*records.Content, len(found.live))
	for _, m := range found.live {
		s.alive[m.entry] = m.Content
	}
	return found, nil
}

// pruneSome looks up some entries of a large index, others each time, and returns the
// entries without the stale ones. Without it, the index of an owner whose sessions nobody
// lists would grow with every session that is not logged out of.
func (s *signIn) pruneSome(old *records.Content, all []entry) []entry {
	if len(all) < pruneFrom {
		return all
	}
	n := min(len(all)/pruneShare, maxPruned)
	first := n * pruneTurn(records.Commits(old.Version), (len(all)+n-1)/n)
	some := slices.Concat(all[first:], all[:first])[:n]
	found, err := s.lookUp(some, s.at)
	if err != nil { // then it stays as it is
		return all
	}
	return slices.DeleteFunc(all, func(e entry) bool { return slices.Contains(found.stale, e) })
}

// pruneTurn returns which of so many parts of an index the sign-in after that commit looks
// at. It moves on by one more after each round, so that every part gets its turn although
// other commits of the index are in between.
func pruneTurn(commit int64, parts int) int {
	n := int64(parts)
	return int((commit + commit/n) % n)
}

// pruneAbove returns the entries whose sessions are alive or may be about to be saved.
func (s *signIn) pruneAbove(all []entry) ([]entry, error) {
	found, err := s.lookUp(all, s.at)
	s.access.Restart()
	if left := found.entries(); err != nil || len(left) < MaxEntries {
		return left, err
	}
	return nil, errFull
}

// makeRoom ends the oldest sessions of an owner who has as many as Limit allows, or
// refuses the sign-in, and returns the remaining entries. The session before does not
// count, because the new one is about to replace it.
func (s *signIn) makeRoom(entries []entry) ([]entry, error) {
	if limit := s.index.opts.Limit; limit < 0 || len(entries) < limit || s.label.Name != "" {
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

// endStrays ends sessions that this commit has created: their saves have arrived after
// they were given up, and nobody has their cookies.
func (s *signIn) endStrays(found *lookup) error {
	for i := 0; i < len(found.live); {
		stray := found.live[i]
		if stray.id == s.before || !s.mine.has(stray.id, s.label) {
			i++
			continue
		}
		if err := s.end(stray, found, revocation{stray: true}); err != nil {
			return err
		}
	}
	return nil
}

// end ends one live session of found.
func (s *signIn) end(one member, found *lookup, how revocation) error {
	how.label = s.label
	if err := s.index.end(s.access.Caller(), one.id, one.Content, how); err != nil {
		return err
	}
	delete(s.alive, one.entry)
	found.live = slices.DeleteFunc(found.live, func(m member) bool { return m.id == one.id })
	found.stale = append(found.stale, one.entry)
	return nil
}

// endOldest ends as many of the oldest sessions as exceed the limit. If one of them is
// being renewed, it also ends the session that is to replace it.
func (s *signIn) endOldest(found *lookup) error {
	how := revocation{reason: observe.OverLimit}
	for excess := s.excess(found); excess > 0; excess-- {
		oldest := slices.IndexFunc(found.live, func(m member) bool { return m.id != s.before })
		if oldest < 0 {
			break
		}
		old := found.live[oldest]
		if err := s.end(old, found, how); err != nil {
			return err
		}
		for _, m := range slices.Clone(found.live) {
			if !m.replaces(old.id) {
				continue
			}
			if err := s.end(m, found, how); err != nil {
				return err
			}
		}
	}
	return nil
}

// excess returns by how many sessions the limit is exceeded once one is added.
func (s *signIn) excess(found *lookup) int {
	n := found.count() + 1 - s.index.opts.Limit
	if found.lives(s.before) {
		n--
	}
	return n
}

// count returns the number of live sessions. A session that is being renewed has two
// records but counts once.
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

// refuse returns ErrTooManySessions if there is no room for one more session. Only live
// sessions count: a sign-in that has entered its session and failed must not block the
// next one. As a pending sign-in cannot be distinguished from a failed one, refuse waits
// for it for up to signInTime.
func (s *signIn) refuse(found *lookup) error {
	if found.lives(s.before) { // it is replaced, so the number stays
		return nil
	}
	begin := time.Now()
	for try := 1; ; try++ {
		room := s.index.opts.Limit - found.count()
		if room <= 0 {
			return ErrTooManySessions
		}
		coming := found.coming(s, records.Now())
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

// coming returns the entries of sign-ins that are probably under way, except the
// request's own.
func (l *lookup) coming(s *signIn, at envelope.Time) []entry {
	var coming []entry
	for _, e := range l.pending {
		if at.Before(e.since.Add(signInTime)) && !s.mine.has(e.id, s.label) && !l.replacesLive(e) {
			coming = append(coming, e)
		}
	}
	return coming
}

// lookAgain looks up some of the pending sessions again.
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
