package postgres_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// However the connection is lost, Listen ends.
func TestListenEndsWithItsConnection(t *testing.T) {
	server := testserver.Postgres(t)
	admin := postgres.New(open(t, parse(t, server.URL)))
	if err := admin.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name        string
		pingTimeout time.Duration
		lose        func(t *testing.T)
	}{
		{"the server closes it", storetest.Patience, func(t *testing.T) {
			pool := open(t, parse(t, server.URL))
			if n := query[int](t, pool, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE (query LIKE 'LISTEN %' OR query = '-- ping') AND pid <> pg_backend_pid()"); n != 1 {
				t.Errorf("%d connections listen, want 1", n)
			}
		}},
		{"the server is replaced", storetest.Patience, func(*testing.T) { server.Restart() }},
		{"the server is frozen", 200 * time.Millisecond, func(t *testing.T) {
			server.Freeze()
			t.Cleanup(server.Thaw)
		}},
		{"the server is killed", storetest.Patience, func(*testing.T) { server.Kill() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := postgres.New(open(t, parse(t, server.URL)), postgres.Ping(50*time.Millisecond, tc.pingTimeout))
			l := storetest.Listen(t, p)
			tc.lose(t)
			if err := l.End(); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// Pings keep a connection on which no message arrives, and lose none that arrives
// meanwhile.
func TestListenStays(t *testing.T) {
	pool, table := open(t, config(t)), newTable(t)
	p := postgres.New(pool, postgres.Table(table), postgres.Ping(50*time.Millisecond, storetest.Patience))
	l := storetest.Listen(t, p)
	storetest.Eventually(t, "a ping", func() bool {
		return query[int](t, pool, "SELECT count(*) FROM pg_stat_activity WHERE query = '-- ping'") > 0
	})
	storetest.Broadcast(t, p, "message")
	l.Want("message")
}
