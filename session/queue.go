package session

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/lane"
)

// enter waits until no other commit of the session runs. A closure that calls
// Save inside of Update would wait for itself, so the wait has an end.
func (s *Session) enter(ctx context.Context) error {
	left := s.tryEnter()
	if left == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*s.m.cfg.StoreTimeout)
	defer cancel()
	for ; left != nil; left = s.tryEnter() {
		select {
		case <-left:
		case <-ctx.Done():
			return fmt.Errorf("%w: another Save or Update of this Session has not ended (is this call inside of it?)", ErrUnavailable)
		}
	}
	return nil
}

// tryEnter enters, or returns what is closed when the one who is in leaves.
func (s *Session) tryEnter() (left <-chan struct{}) {
	s.lock()
	defer s.mu.Unlock()
	if !s.busy {
		s.busy = true
		return nil
	}
	if s.left == nil {
		s.left = make(chan struct{})
	}
	return s.left
}

func (s *Session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if s.ended {
		s.drop()
	}
	if s.left != nil {
		close(s.left)
		s.left = nil
	}
}

// enterLane queues up behind the other requests that compete for the session,
// and keeps the place over several commits.
func (s *Session) enterLane(ctx context.Context, id string) {
	if turn, _ := s.footing(); turn != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.m.cfg.StoreTimeout)
	defer cancel()
	turn, _ := lane.Enter(ctx, id)
	s.keepTurn(turn)
}

// leaveLane gives the place up.
func (s *Session) leaveLane() { s.keepTurn(nil) }

// keepTurn holds turn in place of the one that was held, for StoreTimeout at most:
// a handler that runs again may wait for long before it answers.
func (s *Session) keepTurn(turn *lane.Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn == turn {
		return
	}
	s.turn.Leave()
	s.turn = turn
	if turn != nil {
		time.AfterFunc(s.m.cfg.StoreTimeout, turn.Leave)
	}
}
