package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// Two instances keep the contract in each phase, and in two neighbouring ones.
func TestBroadcasterContract(t *testing.T) {
	for name, phases := range map[string][2]int{"Prepare": {1, 1}, "Prepare and Move": {1, 2}, "Move": {2, 2}} {
		t.Run(name, func(t *testing.T) {
			providertest.RunBroadcaster(t, func(t *testing.T) (first, second, other provider.Provider) {
				same, others := newPair(), newPair()
				return same.inPhase(t, phases[0]), same.inPhase(t, phases[1]), others.inPhase(t, phases[0])
			})
		})
	}
}

// inPhase returns an instance in one of the four phases.
func (p *pair) inPhase(t *testing.T, phase int) provider.Provider {
	t.Helper()
	return []provider.Provider{p.from, p.open(t, prepare), p.open(t, move), p.to}[phase]
}

var phaseNames = []string{"from alone", "Prepare", "Move", "to alone"}

// newPairThat returns stores that can broadcast or not.
func newPairThat(fromCan, toCan bool) *pair {
	p := newPair()
	for _, side := range []struct {
		store store
		can   bool
	}{{p.from, fromCan}, {p.to, toCan}} {
		if !side.can {
			side.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error { return errors.ErrUnsupported }
			side.store.OnListen = func(context.Context, func(), func([]byte), storetest.ListenFunc) error { return errors.ErrUnsupported }
		}
	}
	return p
}

// Whoever listens hears every instance of its own phase and the neighbouring ones, once.
// Where that is impossible, it does not listen.
func TestNoMessageBetweenPhasesIsMissed(t *testing.T) {
	for _, can := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
		for from := range phaseNames {
			for to := max(0, from-1); to <= min(3, from+1); to++ {
				name := fmt.Sprintf("%v, %s to %s", can, phaseNames[from], phaseNames[to])
				t.Run(name, func(t *testing.T) {
					p := newPairThat(can[0], can[1])
					sender, listener := p.inPhase(t, from), p.inPhase(t, to)
					l := storetest.StartListen(t, listener)
					l.AwaitBegin()
					if !l.Begun() {
						if err := l.End(); !errors.Is(err, errors.ErrUnsupported) {
							t.Errorf("Listen: got error %v, want ErrUnsupported", err)
						}
						return
					}
					storetest.Broadcast(t, sender, "message")
					l.Want("message")
					storetest.Broadcast(t, sender, "another")
					l.Want("another")
					if n := l.Heard("message"); n != 1 {
						t.Errorf("the message is heard %d times", n)
					}
				})
			}
		}
	}
}

// What is possible is done: the table of the documentation.
func TestBroadcastAndListenOfEachPhase(t *testing.T) {
	for _, tc := range []struct {
		fromCan, toCan bool
		phase          int
		sends, listens string
	}{
		{true, true, 1, "from", "both"},
		{true, true, 2, "to", "both"},
		{true, false, 1, "from", "from"},
		{true, false, 2, "from", "no"},
		{false, true, 1, "to", "no"},
		{false, true, 2, "to", "to"},
		{false, false, 1, "no", "no"},
		{false, false, 2, "no", "no"},
	} {
		s := newPairThat(tc.fromCan, tc.toCan)
		p := s.inPhase(t, tc.phase)
		atFrom, atTo := storetest.StartListen(t, s.from), storetest.StartListen(t, s.to)
		atFrom.AwaitBegin()
		atTo.AwaitBegin()
		sends := "no"
		if err := provider.Broadcast(t.Context(), p, []byte("message")); err == nil {
			storetest.Eventually(t, "the message arrives", func() bool { return atFrom.Total()+atTo.Total() > 0 })
			sends = map[bool]string{true: "from", false: "to"}[atFrom.Total() == 1]
		} else if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%+v: Broadcast: got error %v", tc, err)
		}
		l := storetest.StartListen(t, p)
		l.AwaitBegin()
		listens := "no"
		if l.Begun() {
			listens = map[[2]bool]string{{true, true}: "both", {true, false}: "from", {false, true}: "to"}[[2]bool{tc.fromCan, tc.toCan}]
		}
		if sends != tc.sends || listens != tc.listens {
			t.Errorf("%+v: got %s, %s", tc, sends, listens)
		}
	}
}

// Listen ends when it has lost one of the stores, and leaves no Listen on the other.
func TestListenEndsWithEitherStore(t *testing.T) {
	lost := errors.New("lost")
	for name, side := range map[string]func(*pair) (broken, other store){
		"from": func(p *pair) (store, store) { return p.from, p.to },
		"to":   func(p *pair) (store, store) { return p.to, p.from },
	} {
		for phase := 1; phase <= 2; phase++ {
			t.Run(name+", "+phaseNames[phase], func(t *testing.T) {
				p := newPair()
				broken, other := side(p)
				lose, ended := make(chan struct{}), make(chan struct{})
				broken.OnListen = func(_ context.Context, ready func(), _ func([]byte), _ storetest.ListenFunc) error {
					ready()
					<-lose
					return lost
				}
				other.OnListen = func(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
					defer close(ended)
					return next(ctx, ready, heard)
				}
				l := storetest.Listen(t, p.inPhase(t, phase))
				close(lose)
				if err := l.End(); !errors.Is(err, lost) {
					t.Errorf("got error %v, want %v", err, lost)
				}
				select {
				case <-ended:
				default:
					t.Error("the other Listen goes on")
				}
			})
		}
	}
}

// Ready is called when both stores are listened to.
func TestListenIsReadyWithBothStores(t *testing.T) {
	for _, phase := range []int{1, 2} {
		p := newPair()
		begin := make(chan struct{})
		slow := p.to
		if phase == 2 {
			slow = p.from
		}
		slow.OnListen = func(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
			select {
			case <-begin:
			case <-ctx.Done():
				return ctx.Err()
			}
			return next(ctx, ready, heard)
		}
		l := storetest.StartListen(t, p.inPhase(t, phase))
		storetest.Eventually(t, "both are called", func() bool { return p.from.Listens.Load() == 1 && p.to.Listens.Load() == 1 })
		if l.Begun() {
			t.Error("ready was called too early")
		}
		close(begin)
		storetest.Eventually(t, "ready", l.Begun)
	}
}
