package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/watch"
)

var (
	errBroken = errors.New("broken connection")
	errNone   = errors.ErrUnsupported
)

// store has the sessions that a Hub watches, and broadcasts messages.
type store struct {
	mu       sync.Mutex
	expires  map[string]time.Time // of each session; none: it has ended
	checks   map[string]int       // so far
	running  int                  // checks at present
	most     int                  // checks at the same time
	takes    time.Duration        // each check
	fails    error                // all checks
	refuses  error                // all calls of Listen
	listens  []time.Time          // each call of Listen
	announce func(message []byte) // to the Listen that is under way; nil: there is none
	lose     func()               // ends that Listen
}

// never is when a session expires in a test that does not last as long.
var never = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// newStore returns a store with these sessions.
func newStore(ids ...string) *store {
	s := &store{expires: map[string]time.Time{}, checks: map[string]int{}}
	for _, id := range ids {
		s.expires[id] = never
	}
	return s
}

// hub returns a Hub over s.
func (s *store) hub(interval time.Duration) *watch.Hub {
	listener := broadcast.NewListener(broadcast.ListenerOptions{Listen: s.listen, Logger: slog.New(slog.DiscardHandler)})
	return watch.New(watch.Options{Check: s.check, Listener: listener, Interval: interval})
}

// check reads a session, and answers after takes.
func (s *store) check(id string) (time.Time, error) {
	s.mu.Lock()
	s.checks[id]++
	s.running++
	s.most = max(s.most, s.running)
	takes, expires, err := s.takes, s.expires[id], s.fails
	if err == nil && expires.IsZero() {
		err = records.ErrEnded
	}
	s.mu.Unlock()
	if takes > 0 {
		time.Sleep(takes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	return expires, err
}

func (s *store) listen(ctx context.Context, ready func(), heard func([]byte)) error {
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	messages := make(chan []byte)
	s.mu.Lock()
	s.listens = append(s.listens, time.Now())
	err := s.refuses
	s.mu.Unlock()
	if err != nil {
		return err
	}
	ready()
	s.mu.Lock()
	s.announce = func(message []byte) { messages <- message }
	s.lose = func() { lose(errBroken) }
	s.mu.Unlock()
	for {
		select {
		case message := <-messages:
			heard(message)
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			s.announce, s.lose = nil, nil
			return context.Cause(ctx)
		}
	}
}

// set changes s.
func (s *store) set(change func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// end ends sessions, and tells nobody.
func (s *store) end(ids ...string) {
	s.set(func(s *store) {
		for _, id := range ids {
			delete(s.expires, id)
		}
	})
}

// tell sends a message to the Listen that is under way.
func (s *store) tell(message []byte) {
	s.mu.Lock()
	announce := s.announce
	s.mu.Unlock()
	announce(message)
	synctest.Wait()
}

// cut ends the Listen that is under way.
func (s *store) cut() {
	s.mu.Lock()
	lose := s.lose
	s.mu.Unlock()
	lose()
	synctest.Wait()
}

// checked returns how often a session was checked since the last call.
func (s *store) checked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.checks[id]
	delete(s.checks, id)
	return n
}

// sessionsChecked returns how many sessions were checked since the last calls of checked.
func (s *store) sessionsChecked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.checks)
}

// listened returns the times of the calls of Listen, and whether one is under way.
func (s *store) listened() (at []time.Time, now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.listens), s.announce != nil
}

// inBubble runs test in a bubble, which fails if a goroutine stays.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// wantEnded checks that ctx has ended with ErrEnded as its cause.
func wantEnded(t *testing.T, ctx context.Context) {
	t.Helper()
	synctest.Wait()
	if ctx.Err() == nil || context.Cause(ctx) != records.ErrEnded {
		t.Errorf("the context's error is %v, its cause %v; want ErrEnded", ctx.Err(), context.Cause(ctx))
	}
}

// wantAlive checks that ctx has not ended.
func wantAlive(t *testing.T, ctx context.Context) {
	t.Helper()
	synctest.Wait()
	if ctx.Err() != nil {
		t.Errorf("the context has ended: %v", context.Cause(ctx))
	}
}
