package capacity_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

// oneASecond is a load of which a session begins in each second, and one in two seconds
// signs in.
func oneASecond() capacity.Load {
	return capacity.Load{
		Sessions: 3600, Bytes: 300, Requests: 101.5, Changes: 0.1, Owned: 0.5,
		Idle: 50 * time.Minute, Used: 10 * time.Minute, Replicas: -1,
	}
}

func TestRates(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*capacity.Load)
		want   capacity.Rates
	}{
		"as it is": {
			func(*capacity.Load) {},
			// 100 requests are left. A session is touched twice in 10 of its 50 minutes.
			capacity.Rates{Begun: 1, SignIns: 0.5, Changes: 10, Touches: 2, Fetches: 100 + 0.5*2 + 2*0.5, Saves: 1 + 10 + 0.5*3 + 2},
		},
		"nobody signs in": {
			func(l *capacity.Load) { l.Owned, l.Requests = 0, 101 },
			capacity.Rates{Begun: 1, Changes: 10, Touches: 2, Fetches: 100, Saves: 1 + 10 + 2},
		},
		"every request changes the session": {
			func(l *capacity.Load) { l.Changes = 1 },
			capacity.Rates{Begun: 1, SignIns: 0.5, Changes: 100, Fetches: 100 + 0.5*2, Saves: 1 + 100 + 0.5*3},
		},
		"fewer reads than touches": {
			func(l *capacity.Load) { l.Requests = 2.5; l.Changes = 0 },
			capacity.Rates{Begun: 1, SignIns: 0.5, Touches: 1, Fetches: 1 + 0.5*2 + 1*0.5, Saves: 1 + 0.5*3 + 1},
		},
		"a single request for each session": {
			func(l *capacity.Load) { l.Used, l.Idle, l.Owned, l.Requests = 0, time.Hour, 0, 1 },
			capacity.Rates{Begun: 1, Saves: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := oneASecond()
			tc.change(&l)
			if got := l.Rates(); got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestLeastRequests(t *testing.T) {
	if got := oneASecond().LeastRequests(); got != 1.5 {
		t.Errorf("%v requests a second at least; want 1.5", got)
	}
}
