package soak_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

const storeTimeout = time.Second

// A site is an app of two instances on a store of its own.
type site struct {
	t         *testing.T
	name      string
	server    *testserver.Server // nil: the store is in this process
	instances [2]*instance
	keys      keys
	client    *http.Client
	transport *http.Transport
	next      atomic.Int64 // request

	harms, rotations, freezes, kills int

	lives, lost atomic.Int64
	verbs       tally // done
	mu          sync.Mutex
	figures     witness.Figures
}

// openSites opens one on each store that harm can be done to, one in memory and one on SQLite. All
// are as durable as they can be, so that what is acknowledged survives a kill -9.
func openSites(t *testing.T) []*site {
	redis := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	postgres, mariaDB, dynamo := testserver.Postgres(t), testserver.MariaDB(t), testserver.DynamoDB(t)
	return []*site{
		newSite(t, stores.Memory, nil, new(fixedKeys)),
		newSite(t, stores.SQLite, nil, new(ringKeys)),
		newSite(t, stores.Redis, redis, new(ringKeys)),
		newSite(t, stores.Postgres, postgres, new(fixedKeys)),
		newSite(t, stores.MySQL, mariaDB, new(ringKeys)),
		newSite(t, stores.DynamoDB, dynamo, new(ringKeys)),
		newSite(t, stores.Etcd, testserver.Etcd(t), new(fixedKeys)),
		newSite(t, stores.Nats, testserver.Nats(t), new(ringKeys)),
		newSite(t, stores.HTTP, testserver.HTTPStore(t), new(ringKeys)),
	}
}

// kept are sites whose servers are frozen but not killed. DynamoDB Local takes seconds
// to start, and it is no part of the promise what a killed one remembers.
var kept = map[string]bool{stores.DynamoDB.Name: true}

func newSite(t *testing.T, store stores.Store, server *testserver.Server, keys keys) *site {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 4 * visitorsPerSite}
	t.Cleanup(transport.CloseIdleConnections)
	s := &site{
		t: t, name: store.Name, server: server, keys: keys, transport: transport,
		client: &http.Client{Transport: transport, Timeout: patience},
	}
	url, space := "", stores.Space()
	if server != nil {
		url = server.URL
	} else {
		url = store.Server(t)
	}
	for i := range s.instances {
		s.instances[i] = newInstance(t, keys.watch(store.At(t, url, space)))
	}
	keys.rotate(s)
	return s
}

func (s *site) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%-8s %d sessions (%d given up in doubt), %v; killed %d, frozen %d, keys rotated %d times",
		s.name, s.lives.Load(), s.lost.Load(), s.figures, s.kills, s.freezes, s.rotations)
}

// wantAllDone wants every verb to have been done somewhere: of a store that is slow
// there may not be enough.
func wantAllDone(t *testing.T, sites []*site) {
	t.Helper()
	done := map[string]int{}
	for _, s := range sites {
		t.Log(s)
		for verb := range verbs {
			done[verb] += s.verbs.count(verb)
		}
		if s.rotations > 3 && !s.keys.rotated() {
			t.Errorf("%s: the keys are the same as ever", s.name)
		}
	}
	for verb, n := range done {
		if n == 0 {
			t.Errorf("never done: %s", verb)
		}
	}
}
