package faults_test

import (
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// subjects are the stores with a server that harm can be done to. All are as
// durable as they can be, so that an acknowledged save survives a kill -9.
var subjects = []subject{
	{Store: stores.Redis, serve: func(t *testing.T) *testserver.Server {
		return testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	}, broadcasts: true},
	{Store: stores.Postgres, serve: func(t *testing.T) *testserver.Server { return testserver.Postgres(t) }, broadcasts: true},
	{Store: stores.MySQL, serve: func(t *testing.T) *testserver.Server { return testserver.MariaDB(t) }},
	{Store: stores.DynamoDB, serve: func(t *testing.T) *testserver.Server { return testserver.DynamoDB(t) }, spared: 3},
	{Store: stores.Etcd, serve: func(t *testing.T) *testserver.Server { return testserver.Etcd(t) }, broadcasts: true, overtaken: true},
	{Store: stores.Nats, serve: func(t *testing.T) *testserver.Server { return testserver.Nats(t) }, broadcasts: true, overtaken: true},
	{Store: stores.HTTP, serve: func(t *testing.T) *testserver.Server { return testserver.HTTPStore(t) }},
	{Store: stores.Cloudflare, serve: func(t *testing.T) *testserver.Server { return testserver.Workerd(t) }},
}

type subject struct {
	stores.Store
	serve      func(*testing.T) *testserver.Server
	broadcasts bool // TestWatchedSessionsAreNotMissed is for it; the HTTP store keeps files here, and cannot

	spared int // strikes of each fault: DynamoDB Local is slow, above all to start

	// overtaken: a fault may meet something else before the save, and end the connection:
	// a read that an update makes first, or what HTTP/2 sends by itself. The save is then
	// not sent, and its error says so.
	overtaken bool
}

var tests = []struct {
	name string
	test func(*testing.T, subject, *testserver.Server)
}{
	{"calls end with their context", testCallsEndWithTheirContext},
	{"lost saves", testLostSaves},
	{"lost creates", testLostCreates},
	{"requests whose saves are lost", testRequestsWhoseSavesAreLost},
	{"faults", testFaults},
}

// TestStores tests all stores at the same time, since most of it is waiting; not by
// Parallel, which has no more tests run than there are processors.
func TestStores(t *testing.T) {
	checkLeaks(t)
	var group sync.WaitGroup
	defer group.Wait()
	for _, s := range subjects {
		group.Go(func() {
			t.Run(s.Name, func(t *testing.T) {
				server := s.serve(t)
				for _, test := range tests {
					t.Run(test.name, func(t *testing.T) { test.test(t, s, server) })
				}
			})
		})
	}
}
