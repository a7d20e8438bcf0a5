package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// closing closes a client at the end of the test.
func closing[T io.Closer](t testing.TB, client T) T {
	t.Helper()
	t.Cleanup(func() { client.Close() })
	return client
}

// patience is beyond any stall of the machine, which is not what the tests are about.
const patience = 2 * time.Minute

// open opens a provider that has its keys for itself. It is patient where the URL
// does not say otherwise.
func open(t testing.TB, url string, opts ...redis.Option) *redis.Provider {
	t.Helper()
	server, query, _ := strings.Cut(url, "?")
	url = fmt.Sprintf("%s?dial_timeout=%[2]v&read_timeout=%[2]v&write_timeout=%[2]v&pool_timeout=%[2]v&%[3]s", server, patience, query)
	p, err := redis.Open(url, append([]redis.Option{redis.Prefix(prefix(t))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, p)
}

// admin returns a client to look at a server and to change it with.
func admin(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	return newClient(t, goredis.Options{Addr: addr})
}

func newClient(t testing.TB, o goredis.Options) *goredis.Client {
	t.Helper()
	patient(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout)
	return closing(t, goredis.NewClient(&o))
}

func newClusterClient(t testing.TB, o goredis.ClusterOptions) *goredis.ClusterClient {
	t.Helper()
	patient(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout)
	return closing(t, goredis.NewClusterClient(&o))
}

func newRing(t testing.TB, o goredis.RingOptions) *goredis.Ring {
	t.Helper()
	patient(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout)
	return closing(t, goredis.NewRing(&o))
}

// patient sets the timeouts that are not set.
func patient(timeouts ...*time.Duration) {
	for _, timeout := range timeouts {
		if *timeout == 0 {
			*timeout = patience
		}
	}
}

// prefix returns a prefix for the keys of the test alone.
func prefix(t testing.TB) string {
	t.Helper()
	return "test-" + rand.Text() + ":"
}

// record returns a new record.
func record() *provider.Record {
	return &provider.Record{ID: rand.Text(), Version: 1 << 40, ExpiresAt: time.Now().Add(time.Hour), Format: "test", Data: []byte(rand.Text())}
}

// successor returns what may replace rec.
func successor(rec *provider.Record) *provider.Record {
	next := rec.Clone()
	next.Version++
	next.Data = []byte(rand.Text())
	return next
}

// stored returns a record that p has.
func stored(t testing.TB, p provider.Provider) *provider.Record {
	t.Helper()
	rec := record()
	save(t, p, rec, 0)
	return rec
}

func save(t testing.TB, p provider.Provider, rec *provider.Record, expectVersion int64) {
	t.Helper()
	if err := p.Save(t.Context(), rec, expectVersion); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// holds wants p to have rec.
func holds(t testing.TB, p provider.Provider, rec *provider.Record) {
	t.Helper()
	got, err := p.Fetch(t.Context(), rec.ID)
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	if got.Version != rec.Version || string(got.Data) != string(rec.Data) {
		t.Errorf("Fetch: got version %d, want %d", got.Version, rec.Version)
	}
}

// list returns the IDs that List yields, sorted.
func list(ctx context.Context, p provider.Provider, prefix string) (ids []string, err error) {
	for rec, err := range provider.List(ctx, p, prefix) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, rec.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

// fails wants an error that is none of those that tell of a record.
func fails(t testing.TB, call string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: got no error", call)
	case errors.Is(err, provider.ErrVersionConflict), errors.Is(err, provider.ErrNotFound):
		t.Errorf("%s: got error %q, want none about a record", call, err)
	}
}

// do sends a command and returns its reply.
func do(t testing.TB, client *goredis.Client, args ...any) any {
	t.Helper()
	reply, err := client.Do(t.Context(), args...).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		t.Fatalf("%v: %v", args[0], err)
	}
	return reply
}

// A call is of one method.
type call struct {
	name string
	do   func(context.Context, provider.Provider, *provider.Record) error
}

// calls are of every method, on a record that is stored.
var calls = []call{
	{"Fetch", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		_, err := p.Fetch(ctx, rec.ID)
		return err
	}},
	{"Save", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, successor(rec), rec.Version)
	}},
	{"Save that conflicts", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, successor(rec), 0)
	}},
	{"Save of another", func(ctx context.Context, p provider.Provider, _ *provider.Record) error {
		return p.Save(ctx, record(), 0)
	}},
	{"Delete", func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Delete(ctx, rec.ID)
	}},
	{"List", func(ctx context.Context, p provider.Provider, _ *provider.Record) error {
		_, err := list(ctx, p, "")
		return err
	}},
}

var commandStat = regexp.MustCompile(`(?m)^cmdstat_([a-z|]+):calls=(\d+)`)

// commandStats returns how often the server has run which command, the script's
// among them.
func commandStats(t testing.TB, client *goredis.Client) map[string]int {
	t.Helper()
	stats := make(map[string]int)
	for _, stat := range commandStat.FindAllStringSubmatch(client.Info(t.Context(), "commandstats").Val(), -1) {
		stats[stat[1]], _ = strconv.Atoi(stat[2])
	}
	delete(stats, "info")
	return stats
}

// eventually calls f until it is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}
