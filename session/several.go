package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// candidate is a session whose validly signed cookie came with the request.
type candidate struct {
	identity
	content *content
}

// finding is what the cookies of a request lead to.
type finding struct {
	session   candidate   // the one that lives, if exactly one does
	rivals    []candidate // all that live, if several do
	tombstone candidate   // the first that there is, or the first that is strict
	unread    candidate   // the first whose codec is not known
	err       error       // of the first record that cannot be read
}

// find returns what the cookies stand for. Browsers send several of the name after
// a change of Domain, Path or Partitioned, so a record has to live for its cookie
// to count. Several that live are a sign of cookie tossing.
func (p *passage) find(ctx context.Context, sent []string) (finding, error) {
	ctx, call := p.m.until(ctx, p.deadline(ctx))
	defer call.end(context.Canceled)
	var room [1]identity
	named, err := p.m.cookies.identify(ctx, sent, room[:0])
	if err != nil {
		return finding{}, unavailable(err)
	}
	var f finding
	for _, who := range named {
		c, err := p.m.fetch(ctx, who.id)
		switch {
		case errors.Is(err, ErrUnreadable):
			f.err = cmp.Or(f.err, err)
		case err != nil:
			return finding{}, err
		case c == nil:
			p.m.vanished(who.id)
		case !p.m.expired(c):
			f.add(candidate{who, c})
		}
	}
	return f, nil
}

// add notes a record that is there. A live one after another makes both rivals. Of
// tombstones the strict one counts: an answer that changes the browser's cookie may
// be under way.
func (f *finding) add(one candidate) {
	switch {
	case one.content.unknown() != nil:
		if f.unread.content == nil {
			f.unread = one
		}
	case one.content.Tombstone:
		at := now()
		if t := f.tombstone.content; t == nil || t.claimable(at) && !one.content.claimable(at) {
			f.tombstone = one
		}
	case f.rivals != nil:
		f.rivals = append(f.rivals, one)
	case f.session.content != nil:
		f.rivals = []candidate{f.session, one}
		f.session = candidate{}
	default:
		f.session = one
	}
}

// problem returns why no session that lives is served, nil if there is none or if
// several live. What cannot be read may live.
func (f *finding) problem() error {
	switch {
	case f.session.content != nil || f.rivals != nil:
		return nil
	case f.err != nil:
		return f.err
	case f.unread.content != nil:
		return f.unread.content.unknown()
	case f.tombstone.content != nil:
		return errTombstone
	}
	return nil
}

// warnOfSeveral logs, once for each kind, that the visitor is served no session
// because of the number of cookies.
func (p *passage) warnOfSeveral(sent int, found finding) {
	const advice = "give Config.Cookie another Name if its Domain, Path or Partitioned was changed, " +
		"or if another site of this domain uses the name with the same keys; if not, a sibling subdomain may be planting cookies"
	switch cookie := slog.String("cookie", p.m.cfg.Cookie.Name); {
	case found.rivals != nil && !p.m.rivalled.Swap(true):
		p.m.cfg.Logger.Error("session: a request came with the cookies of several live sessions and got none of them; the next sign-in of this visitor ends them; "+advice,
			cookie, slog.Int("sessions", len(found.rivals)))
	case sent > maxCandidates && !p.m.flooded.Swap(true):
		p.m.cfg.Logger.Error("session: a request came with more cookies of the session's name than are looked at and got no session; "+advice,
			cookie, slog.Int("limit", maxCandidates))
	}
}

// endRivals ends the sessions of which the request got none because several
// live, so that the cookie it is about to set is the only one that counts, or
// none does. It is done before a new session is stored: that must not compete with
// them for a place among its owner's, and without it they are not served either.
func (c *commit) endRivals() error {
	rivals := c.s.rivals()
	for i, r := range rivals {
		err := c.end(&doomed{identity: r.identity, base: r.content, inside: !c.s.pass.sent.Load()})
		if err != nil && !errors.Is(err, ErrUnreadable) { // which counts for nothing beside one that lives
			return fmt.Errorf("%w: another session of this browser could not be ended: %v", ErrUnavailable, err)
		}
		if r.content.Owner != "" {
			c.strike(r.content.Owner, gone(r.id))
		}
		c.s.outlived(rivals[i+1:])
	}
	return nil
}

// rivals returns the sessions to end before another of the visitor's begins.
func (s *Session) rivals() []candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.others
}

// outlived notes that but these rivals have ended.
func (s *Session) outlived(left []candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = left
	s.pass.scattered.Store(true)
}
