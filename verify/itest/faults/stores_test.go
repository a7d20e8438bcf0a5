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
	{stores.Redis, func(t *testing.T) *testserver.Server {
		return testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	}, 0},
	{stores.Postgres, func(t *testing.T) *testserver.Server { return testserver.Postgres(t) }, 0},
	{stores.MySQL, func(t *testing.T) *testserver.Server { return testserver.MariaDB(t) }, 0},
	{stores.DynamoDB, func(t *testing.T) *testserver.Server { return testserver.DynamoDB(t) }, 3},
	{stores.Etcd, func(t *testing.T) *testserver.Server { return testserver.Etcd(t) }, 0},
	{stores.Nats, func(t *testing.T) *testserver.Server { return testserver.Nats(t) }, 0},
	{stores.HTTP, func(t *testing.T) *testserver.Server { return testserver.HTTPStore(t) }, 0},
	{stores.Cloudflare, func(t *testing.T) *testserver.Server { return testserver.Workerd(t) }, 0},
}

type subject struct {
	stores.Store
	serve  func(*testing.T) *testserver.Server
	spared int // strikes of each fault: DynamoDB Local is slow, above all to start
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
