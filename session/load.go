package session

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// load returns the session, the same one at every call.
func (p *requestState) load(ctx context.Context) (*Session, error) {
	var events loadEvents
	s, err := p.loadOnce(ctx, &events)
	events.report(ctx, p.m.engine.Observer) // without the lock: the Observer may load the session, too
	return s, err
}

func (p *requestState) loadOnce(ctx context.Context, events *loadEvents) (*Session, error) {
	p.loading.Lock()
	defer p.loading.Unlock()
	if s := p.session(); s != nil {
		return s, nil
	}
	if p.loadErr != nil {
		return nil, *p.loadErr
	}
	p.stage.Store(asked)
	s, err := p.read(ctx, events)
	if err != nil {
		failed := err
		p.loadErr = &failed
		return nil, err
	}
	p.stage.Store(loaded)
	if p.over.Load() {
		s.end()
	}
	return s, nil
}

// read looks up the session. It never adopts an ID that is not stored.
func (p *requestState) read(ctx context.Context, events *loadEvents) (*Session, error) {
	var forTokens [2]string
	sent := p.takeTokens(forTokens[:0])
	own, forTxn := p.m.newSession(p, len(sent) > 0)
	p.own = own
	if err := own.begin(ctx, sent, forTxn, events); err != nil {
		return nil, err
	}
	return &own.Session, nil
}

// txnRoom is room for a transaction, and for its content if the store is in this process.
type txnRoom struct {
	tx      *txn.Txn
	content *records.Content
}

// newSession returns an empty session of a request, and room for its transaction if the
// request came with tokens. All of it is one allocation.
func (m *Manager) newSession(req request, tokens bool) (own *ownSession, room txnRoom) {
	switch {
	case !tokens:
		own = new(ownSession)
	case !m.records.InProcess():
		one := new(struct {
			own ownSession
			tx  txn.Txn
		})
		own, room = &one.own, txnRoom{tx: &one.tx}
	default:
		one := new(struct {
			own     ownSession
			tx      txn.Txn
			content records.Content
		})
		own, room = &one.own, txnRoom{&one.tx, &one.content}
	}
	own.m, own.req = m, req
	return own, room
}

// begin begins the transaction over the session that the tokens stand for. Without tokens
// it leaves s empty.
func (s *Session) begin(ctx context.Context, sent []string, room txnRoom, events *loadEvents) error {
	if len(sent) == 0 {
		return nil // the transaction begins when it is needed
	}
	m, tx := s.m, room.tx
	event := &events.load
	*event = m.engine.Observer.Begin(observe.Load)
	var found finding
	err := m.find(ctx, s.req, sent, room.content, &found)
	events.more = found.more
	if err == nil {
		err = found.problem()
	}
	event.PublicID, event.Err, event.Age = found.session.ID, err, found.age
	switch {
	case errors.Is(err, records.ErrTombstone):
		tx.BeginOver(&m.engine, s.req, found.tombstone.ID, found.tombstone.content)
	case found.unreadable.content != nil && found.err == nil && errors.Is(err, ErrUnreadable):
		event.PublicID = found.unreadable.ID
		m.logUnknownCodec(found.unreadable.ID, err)
		tx.BeginBeside(&m.engine, s.req, found.unreadable.Token, found.unreadable.ID, found.unreadable.content)
	case errors.Is(err, ErrUnproven) && s.req.skipsProof() == "":
		event.PublicID = found.unproven.ID
		tx.BeginRefused(&m.engine, s.req, refusal(found.unproven.content, err))
	case err != nil:
		return err
	default:
		m.warnOfSeveral(len(sent), &found)
		s.req.opens(found.session.Value)
		tx.Begin(&m.engine, s.req, found.session.Token, found.session.ID, found.session.content)
		tx.SetRivals(found.rivals)
		if m.engine.Rotation != nil || found.session.Index != 0 {
			tx.SetIndex(found.session.Index)
		}
		if found.age > 0 {
			tx.SetCopied()
		}
	}
	s.tx.Store(tx)
	return nil
}

// deadline returns the deadline of a load.
func (m *Manager) deadline(ctx context.Context) time.Time {
	if m.records.InProcess() {
		return time.Time{}
	}
	deadline := time.Now().Add(m.cfg.StoreTimeout)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		return sooner
	}
	return deadline
}

// candidate is a record whose token came with the request.
type candidate struct {
	token.Identity
	content *records.Content
}

// finding is what the tokens of a request lead to.
type finding struct {
	session    candidate   // the live one, if there is exactly one
	rivals     []txn.Rival // all live ones, if there are several
	tombstone  candidate   // the first one, or the first strict one
	unreadable candidate   // the first whose codec is not known
	err        error       // of the first record that cannot be read
	unproven   candidate   // the first that may not be served to the request
	refusal    error       // why not

	more []observe.Event // ends and faults that were found

	age time.Duration // of the copy that was used; 0: none
}

// find sets f to the sessions that the tokens stand for. After a change of Domain, Path or
// Partitioned, browsers send several cookies of the name, so a cookie counts only if its
// session is alive. Several live sessions are a sign of cookie tossing. The first content
// that is read may take room, which may be nil.
func (m *Manager) find(ctx context.Context, req request, sent []string, room *records.Content, f *finding) error {
	if len(sent) > maxCandidates {
		return nil
	}
	ctx, call := m.records.Context(ctx, m.deadline(ctx))
	defer call.End()
	var first [1]token.Identity
	named, err := m.signer.Verify(ctx, sent, first[:0])
	if err != nil {
		return records.Unavailable(err)
	}
	for _, who := range named {
		c, age, err := m.fetch(ctx, req, who, room)
		room = nil
		f.age = max(f.age, age)
		if err == nil {
			err = m.meet(ctx, c)
		}
		if err == nil && m.isTheft(c, who.Index) {
			c, f.more, err = m.endStolen(ctx, who, c, f.more)
		}
		switch {
		case errors.Is(err, ErrUnreadable):
			f.err = cmp.Or(f.err, err)
		case err != nil:
			*f = finding{more: f.more}
			return err
		case c == nil:
			f.more = m.noteVanished(f.more, who.ID)
			f.more = m.noteEnd(f.more, who.ID, "", observe.Missing)
		case m.outlived(c):
			f.more = m.noteEnd(f.more, who.ID, c.Owner, m.endOf(c))
		default:
			f.more = m.noteClockSkew(f.more, who.ID, c)
			admitted, err := m.admit(ctx, req, who.ID, c)
			if admitted != c {
				f.age = 0 // it was read just now
			}
			if one := (candidate{who, admitted}); !f.refuse(one, err) {
				f.add(one, m.knowsFormat(admitted.Format))
			}
		}
	}
	return nil
}

// endOf returns why a session that is not served has ended.
func (m *Manager) endOf(c *records.Content) observe.EndReason {
	if m.engine.Lifetimes.Revoked(c) {
		return observe.Revoked
	}
	return observe.Expired
}

// outlived reports whether c has outlived a Lifetime that was shortened after it was saved,
// or is of an earlier epoch. A store in this process has compared the time when c expires
// with the same clock.
func (m *Manager) outlived(c *records.Content) bool {
	limits := &m.engine.Lifetimes
	if m.records.InProcess() && !c.Expires.IsZero() && !limits.End(c).Before(c.Expires) {
		return limits.Revoked(c)
	}
	return limits.Expired(c)
}

// refuse adds a live session to f that may not be served for that reason, and reports
// whether there is one.
func (f *finding) refuse(one candidate, reason error) bool {
	if reason != nil && f.refusal == nil {
		f.unproven, f.refusal = one, reason
	}
	return reason != nil
}

// add adds a stored record to f. If a second live session is found, both are rivals. Of
// several tombstones the strict one counts: a response that changes the browser's cookie
// may be under way.
func (f *finding) add(one candidate, decodes bool) {
	switch c := one.content; {
	case !decodes && !c.Tombstone:
		if f.unreadable.content == nil {
			f.unreadable = one
		}
	case c.Tombstone:
		at := records.Now()
		if t := f.tombstone.content; t == nil || t.Claimable(at) && !c.Claimable(at) {
			f.tombstone = one
		}
	case f.rivals != nil:
		f.rivals = append(f.rivals, txn.Rival{ID: one.ID, Content: c})
	case f.session.content != nil:
		f.rivals = []txn.Rival{{ID: f.session.ID, Content: f.session.content}, {ID: one.ID, Content: c}}
		f.session = candidate{}
	default:
		f.session = one
	}
}

// problem returns why no live session is served. It returns nil if there is none to serve
// or if several are alive. An unreadable record may be alive.
func (f *finding) problem() error {
	switch {
	case f.session.content != nil || f.rivals != nil:
		return nil
	case f.err != nil:
		return f.err
	case f.unreadable.content != nil:
		return records.UnknownFormat(f.unreadable.content.Format)
	case f.tombstone.content != nil:
		return records.ErrTombstone
	}
	return f.refusal
}

// warnOfSeveral logs, once for each kind, that the visitor got no session because of the
// number of cookies.
func (m *Manager) warnOfSeveral(sent int, found *finding) {
	const advice = "give Config.Cookie another Name if its Domain, Path or Partitioned was changed, " +
		"or if another site of this domain uses the name with the same keys; if not, a sibling subdomain may be planting cookies"
	switch cookie := slog.String("cookie", m.cfg.Cookie.Name); {
	case found.rivals != nil && !m.warnedOfRivals.Swap(true):
		m.cfg.Logger.Error("session: a request came with the cookies of several live sessions and got none of them; the next sign-in of this visitor ends them; "+advice,
			cookie, slog.Int("sessions", len(found.rivals)))
	case sent > maxCandidates && !m.warnedOfMany.Swap(true):
		m.cfg.Logger.Error("session: a request came with more cookies of the session's name than are looked at, so it got no session; "+advice,
			cookie, slog.Int("limit", maxCandidates))
	}
}

// logUnknownCodec logs that a visitor is treated as new.
func (m *Manager) logUnknownCodec(publicID string, err error) {
	m.cfg.Logger.Error("session: the visitor is taken for a new one, since the codec of the stored session is not known; "+
		"it is left as it is until the visitor signs in or out; use that codec as Config.Codec to have it back",
		slog.String("public_id", publicID), slog.Any("error", err))
}
