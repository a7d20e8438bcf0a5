package session

import (
	"context"
	"errors"
	"fmt"
)

// Save commits what was changed so far, so that the handler sees the error:
// ErrConflict, ErrEnded, ErrUnavailable, ErrOutcomeUnknown, ErrTooLarge,
// ErrEncode or, for a new session after the response has begun, ErrHeaderSent.
// A response of the handler's own with a status of 400 or more is then sent as
// it is, and commits nothing; any other would be the ErrorHandler's. That ctx ends does not stop the
// save.
//
// It returns nil where there is nothing to save. After the request it returns
// ErrRequestDone if anything was dropped: what Save has not acknowledged was not saved.
func (s *Session) Save(ctx context.Context) error {
	return s.commit(ctx, explicit)
}

// Update loads the newest session, runs fn on it with what the request has
// changed already, and commits, all before it returns. When a parallel request
// is first, what fn did is undone and fn runs again. If fn fails, nothing of it
// is saved and its error returned, which means nothing to the response; an error
// of the commit does what one of Save does. No other goroutine may change the
// session meanwhile, and fn must not call Save or Update of the same Session
// nor write the response, which would wait for it.
//
// It also works after the request, for what needs no cookie. A commit that fails then
// leaves nothing behind, and Update may be called again. But once a change of the
// Session was dropped, Update returns ErrRequestDone and does not run fn: what fn would
// save may rest on that change. Use [Manager.Update] with the session's public ID then.
func (s *Session) Update(ctx context.Context, fn func(*Session) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	defer s.leaveLane()
	var err error
	for n := range maxReruns {
		err = s.updateOnce(ctx, fn, errors.Is(err, errStartOver))
		if !errors.Is(err, errRerun) {
			return err
		}
		s.m.again(ctx, s.PublicID(), n+1)
		s.enterLane(ctx, s.PublicID())
	}
	return fmt.Errorf("%w: others were first %d times", ErrUnavailable, maxReruns)
}

// maxReruns bounds the runs of an Update's closure. In this process they queue
// up, so that it takes as many other processes to come near it.
const maxReruns = 64

func (s *Session) updateOnce(ctx context.Context, fn func(*Session) error, startOver bool) error {
	if _, err := s.footing(); err != nil {
		return s.refused(ctx, err)
	}
	event := s.m.watch(OpSave)
	if err := s.refresh(ctx, startOver); err != nil {
		s.note(err, updating)
		event.PublicID, event.Err = s.PublicID(), err
		s.m.observed(ctx, event)
		return err
	}
	before := s.savepoint()
	undo := true
	defer func() {
		if undo {
			s.undo(before)
		}
	}()
	err := s.run(fn)
	if err != nil {
		return err
	}
	err = s.commitNow(ctx, updating)
	undo = errors.Is(err, errRerun) || err != nil && s.isOver()
	return err
}

// undo restores a savepoint, but for what the closure may have told its surroundings.
func (s *Session) undo(to state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	nonEmpty := s.state.reads.nonEmpty
	s.rollbackLocked(to)
	s.state.reads.nonEmpty = nonEmpty
}

// isOver reports whether the request is over. An Update that fails then leaves
// nothing that would have to be dropped: its caller knows, and may try again.
func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *Session) run(fn func(*Session) error) error {
	s.setUpdating(true)
	defer s.setUpdating(false)
	return fn(s)
}

// refresh loads the newest content and puts what the request has changed on
// top of it. A Renew starts over if there is none any more.
func (s *Session) refresh(ctx context.Context, startOver bool) error {
	d := s.draft()
	if d.id == "" {
		return nil
	}
	newest, err := s.newest(ctx, d.id)
	if errors.Is(err, errTombstone) && (d.renew || startOver) {
		return s.startOver(d)
	}
	if err != nil {
		return err
	}
	if d.needed() {
		if err := s.check(d, newest); err != nil {
			return err
		}
	}
	return s.rebase(newest)
}

// newest reads what is stored of the session now.
func (s *Session) newest(ctx context.Context, id string) (*content, error) {
	st := s.m.storage(ctx, nil)
	found, err := st.fetch(id)
	if err != nil {
		return nil, err
	}
	if err := s.m.standing(found); err != nil {
		return nil, err
	}
	return found, nil
}

// errTombstone is ErrEnded of a session that was renewed or destroyed.
var errTombstone = fmt.Errorf("%w: renewed or destroyed", ErrEnded)

func (s *Session) setUpdating(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updating = on
	if on {
		s.doomedBefore = s.state.doomed
	}
}
