// Package testserver starts real servers for tests: Redis, PostgreSQL, MariaDB, DynamoDB,
// etcd and NATS; provider/httpstore and workerd; Sentinel and PgBouncer, which clients use
// in front of them; nginx as a proxy in front of an app, and Prometheus, which scrapes one.
// Each runs on a free port of the loopback interface and in a folder of its own.
//
// A server ends with the test that has started it. A shared server is used by all tests
// of the binary, so each test uses its own key prefix or table; it ends with the binary.
// No server outlives the binary, however the binary ends.
//
// If a server is not installed, the test is skipped and says what to install. With
// HOLDFAST_TEST_NOSKIP=1 it fails instead. Servers that are already running can be used
// as the shared servers:
//
//	HOLDFAST_TEST_REDIS_ADDR            host:port
//	HOLDFAST_TEST_REDIS_CLUSTER_ADDRS   host:port,host:port,…
//	HOLDFAST_TEST_POSTGRES_URL          postgres://…
//	HOLDFAST_TEST_MYSQL_URL             mysql://… of MySQL or MariaDB
//	HOLDFAST_TEST_DYNAMODB_ENDPOINT     http://host:port
//	HOLDFAST_TEST_ETCD_URL              etcd://…
//	HOLDFAST_TEST_NATS_URL              nats://…
//	HOLDFAST_TEST_NATS_CLUSTER_URL      nats://host:port,host:port,…
//
// CockroachDB is used only if HOLDFAST_TEST_COCKROACH_URL has the postgres:// URL of one.
//
// A package that uses shared servers has
//
//	func TestMain(m *testing.M) { testserver.Main(m) }
package testserver

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// Main runs the tests, ends the shared servers and exits. In a process that HTTPStore has
// started it is the server.
func Main(m *testing.M) {
	serveHTTPStore()
	code := m.Run()
	stop(shared.servers)
	os.Exit(code)
}

var shared struct {
	sync.Mutex
	servers []*Server
}

// once returns a function that starts servers when it is first called and then always
// returns the same ones.
func once(start func() ([]*Server, error)) func() ([]*Server, error) {
	return sync.OnceValues(func() ([]*Server, error) {
		servers, err := start()
		if err != nil {
			return nil, err
		}
		shared.Lock()
		defer shared.Unlock()
		shared.servers = append(shared.servers, servers...)
		return servers, nil
	})
}

func stop(servers []*Server) {
	for _, s := range servers {
		s.stop()
	}
}

// own makes the servers end with the test.
func own(tb testing.TB, servers []*Server, err error) []*Server {
	tb.Helper()
	require(tb, err)
	for _, s := range servers {
		s.tb = tb
		tb.Cleanup(s.stop)
	}
	return servers
}

// missing is the error of a server that is not installed. It says what to install.
type missing string

func (m missing) Error() string { return string(m) }

// require skips the test if a server is missing, and fails it for any other error.
func require(tb testing.TB, err error) {
	tb.Helper()
	var m missing
	switch {
	case err == nil:
	case errors.As(err, &m) && os.Getenv("HOLDFAST_TEST_NOSKIP") != "1":
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}
