package soak_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// A measure is what must not grow, taken when nobody is there.
type measure struct {
	goroutines  int
	heap        uint64         // bytes in use
	connections map[string]int // to each server that tells
}

// What may come with time without being a leak: connections that a pool opens for
// the busiest moment so far, with up to two goroutines each, and the tombstones and
// caches of a few minutes.
const (
	poolSize     = 2 * 32 // of both instances
	moreRoutines = 2 * poolSize
	moreHeap     = 32 << 20
)

func measureNow(t *testing.T, sites []*site) measure {
	m := measure{connections: map[string]int{}}
	for _, s := range sites {
		s.transport.CloseIdleConnections()
		if count := counters[s.name]; count != nil {
			n, err := count(t.Context(), s.server.URL)
			if err != nil {
				t.Errorf("%s: count the connections: %v", s.name, err)
			}
			m.connections[s.name] = n
		}
	}
	runtime.GC()
	runtime.GC() // what finalizers have let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.goroutines, m.heap = runtime.NumGoroutine(), stats.HeapAlloc
	return m
}

// settled waits until nothing shrinks any more.
func settled(t *testing.T, sites []*site) measure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	least, since := measureNow(t, sites), 0
	for since < 10 && witness.Wait(ctx, 50*time.Millisecond) {
		since++
		if m := measureNow(t, sites); m.goroutines < least.goroutines {
			least, since = m, 0
		}
	}
	return least
}

// counters count the connections of clients to a server, by its own word.
var counters = map[string]func(context.Context, string) (int, error){
	stores.Redis.Name: func(ctx context.Context, url string) (int, error) {
		options, err := goredis.ParseURL(url)
		if err != nil {
			return 0, err
		}
		client := goredis.NewClient(options)
		defer client.Close()
		list, err := client.ClientList(ctx).Result()
		return strings.Count(list, "\n") - 1, err // less this one
	},
	stores.Postgres.Name: func(ctx context.Context, url string) (n int, err error) {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'").Scan(&n)
		return n, err
	},
	stores.MySQL.Name: func(ctx context.Context, serverURL string) (n int, err error) {
		u, err := url.Parse(serverURL)
		if err != nil {
			return 0, err
		}
		db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")/")
		if err != nil {
			return 0, err
		}
		defer db.Close()
		err = db.QueryRowContext(ctx, "SELECT COUNT(*) - 1 FROM information_schema.processlist WHERE user = 'root'").Scan(&n)
		return n, err
	},
}

func (m measure) String() string {
	return fmt.Sprintf("%d goroutines, %.1f MB of heap, connections %v", m.goroutines, float64(m.heap)/1e6, m.connections)
}

func (m measure) wantNoGrowthSince(t *testing.T, before measure) {
	t.Helper()
	if m.goroutines > before.goroutines+moreRoutines {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d when warm:\n%s", m.goroutines, before.goroutines, buf[:runtime.Stack(buf, true)])
	}
	if m.heap > 2*before.heap+moreHeap {
		t.Errorf("%d bytes of heap, %d when warm", m.heap, before.heap)
	}
	for name, n := range m.connections {
		if n > poolSize {
			t.Errorf("%s: %d connections to the server, over the %d of both pools", name, n, poolSize)
		}
	}
}
