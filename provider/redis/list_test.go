package redis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// lists wants List to yield these IDs, in any order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...string) {
	t.Helper()
	got, err := list(t.Context(), p, prefix)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List of prefix %q: got %q and error %v, want %q", prefix, got, err, want)
	}
}

func TestListKeepsToThePrefixOfKeys(t *testing.T) {
	client, outer := admin(t, testserver.SharedRedis(t)), prefix(t)
	for name, own := range map[string]string{
		"star":          "*",
		"question mark": "?",
		"set":           "[a-z]",
		"backslash":     `\`,
		"all":           `*?[a-z]\*`,
	} {
		t.Run(name, func(t *testing.T) {
			p := redis.New(client, redis.Prefix(outer+name+own))
			save(t, p, named("mine"), 0)
			for _, other := range []string{"", "a", "ab", "az"} {
				save(t, redis.New(client, redis.Prefix(outer+name+other)), named("others"), -1)
			}
			lists(t, p, "", "mine")
		})
	}
}

func named(id string) *provider.Record {
	rec := record()
	rec.ID = id
	return rec
}

// A key that no record can have is another program's. So is one with a value that is
// not a record, but its ID might be looked for.
func TestListOfForeignKeys(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	p := redis.New(client, redis.Prefix(pre))
	save(t, p, named("mine"), 0)
	for name, key := range map[string]string{
		"of nothing but the prefix": pre,
		"not UTF-8":                 pre + "\xff",
		"too long":                  pre + strings.Repeat("x", 256),
	} {
		t.Run(name, func(t *testing.T) {
			do(t, client, "SET", key, "foreign")
			lists(t, p, "", "mine")
		})
	}
	for name, set := range map[string][]any{
		"another value": {"SET", pre + "foreign", "secret"},
		"another type":  {"RPUSH", pre + "foreign", "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			do(t, client, set...)
			defer do(t, client, "DEL", pre+"foreign")
			_, err := list(t.Context(), p, "")
			fails(t, "List", err)
			tells(t, "List", err, "another program", &provider.Record{ID: "foreign", Data: []byte("secret")})
		})
	}
}

// Whatever is in the database, no command holds up the server for long.
func TestListIsSentBySteps(t *testing.T) {
	server := testserver.Redis(t)
	client, p := admin(t, server.Addr), open(t, server.URL)
	const n = 2500
	saveMany(t, p, n)
	do(t, client, "CONFIG", "RESETSTAT")
	if ids, err := list(t.Context(), p, ""); err != nil || len(ids) < n {
		t.Errorf("got %d records and error %v, want %d", len(ids), err, n)
	}
	got := commandStats(t, client)
	if got["scan"] < n/1000+1 || got["scan"] > n/100 || got["getex"] < n {
		t.Errorf("the server ran %v, want a SCAN for about a thousand keys, and a GETEX for each", got)
	}
}

func saveMany(t *testing.T, p provider.Provider, n int) {
	t.Helper()
	for range n {
		save(t, p, record(), 0)
	}
}

// The loop is in the middle of a page when the server stops answering.
func TestContextEndsListInFlight(t *testing.T) {
	for name, options := range map[string]goredis.Options{
		"as go-redis has it":    {},
		"ContextTimeoutEnabled": {ContextTimeoutEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Redis(t)
			options.Addr, options.ReadTimeout, options.WriteTimeout = server.Addr, time.Hour, time.Hour
			p := redis.New(newClient(t, options))
			saveMany(t, p, 600)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := within(t, func() (last error) {
				seen := 0
				for _, err := range p.List(ctx, "") {
					if seen++; seen == 1 {
						server.Freeze()
						time.AfterFunc(100*time.Millisecond, cancel)
					}
					last = err
				}
				return last
			})
			server.Thaw()
			if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "redis: ") {
				t.Errorf("got error %v, want %q of this package", err, context.Canceled)
			}
		})
	}
}

// A stuck client does not answer SCAN.
type stuck struct {
	*goredis.Client
	asked    func()
	released chan struct{}
}

func (s stuck) Process(ctx context.Context, cmd goredis.Cmder) error {
	if cmd.Name() == "scan" {
		s.asked()
		<-s.released
	}
	return s.Client.Process(ctx, cmd)
}

func TestContextEndsSCANInFlight(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := stuck{admin(t, testserver.SharedRedis(t)), cancel, make(chan struct{})}
	defer close(client.released)
	err := within(t, func() error {
		_, err := list(ctx, redis.New(client), "")
		return err
	})
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "redis: ") {
		t.Errorf("got error %v, want %q of this package", err, context.Canceled)
	}
}
