package redis_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// trips are calls that make one round trip each, with what the server runs for
// them. None moves the whole value but those that return it.
var trips = []struct {
	name     string
	commands map[string]int
	do       func(context.Context, provider.Provider, *provider.Record) error
	want     error
}{
	{"Fetch", map[string]int{"getex": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		_, err := p.Fetch(ctx, rec.ID)
		return err
	}, nil},
	{"Fetch of none", map[string]int{"getex": 1}, func(ctx context.Context, p provider.Provider, _ *provider.Record) error {
		_, err := p.Fetch(ctx, "none")
		return err
	}, provider.ErrNotFound},
	{"Save that creates", map[string]int{"evalsha": 1, "getrange": 1, "exists": 1, "set": 1}, func(ctx context.Context, p provider.Provider, _ *provider.Record) error {
		return p.Save(ctx, record(), 0)
	}, nil},
	{"Save that updates", map[string]int{"evalsha": 1, "getrange": 1, "set": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, successor(rec), rec.Version)
	}, nil},
	{"Save without a check", map[string]int{"evalsha": 1, "getrange": 1, "set": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, successor(rec), -1)
	}, nil},
	{"Save without a check of the version that is there", map[string]int{"evalsha": 1, "getrange": 1, "set": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, rec, -1)
	}, nil},
	{"Save that has landed before", map[string]int{"evalsha": 1, "getrange": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Save(ctx, rec, 7)
	}, nil},
	{"Save that conflicts", map[string]int{"evalsha": 1, "getrange": 1, "getex": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		err := p.Save(ctx, successor(rec), 7)
		if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current == nil || conflict.Current.Version != rec.Version {
			return errors.New("the conflict does not bring the record along")
		}
		return err
	}, provider.ErrVersionConflict},
	{"Delete", map[string]int{"evalsha": 1, "getrange": 1, "del": 1}, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		return p.Delete(ctx, rec.ID)
	}, nil},
	{"Delete of none", map[string]int{"evalsha": 1, "getrange": 1, "exists": 1, "del": 1}, func(ctx context.Context, p provider.Provider, _ *provider.Record) error {
		return p.Delete(ctx, "none")
	}, nil},
}

func TestOneTripPerCall(t *testing.T) {
	primary, _ := testserver.RedisReplica(t)
	for name, client := range map[string]func(*wire) redis.Client{
		"Client": func(w *wire) redis.Client {
			return newClient(t, goredis.Options{Addr: primary.Addr, Dialer: w.dial})
		},
		"ClusterClient": func(w *wire) redis.Client {
			return newClusterClient(t, goredis.ClusterOptions{Addrs: testserver.RedisCluster(t), Dialer: w.dial})
		},
		"Ring": func(w *wire) redis.Client {
			return newRing(t, goredis.RingOptions{
				Addrs:  map[string]string{"one": testserver.SharedRedis(t), "two": primary.Addr},
				Dialer: w.dial, HeartbeatFrequency: time.Hour,
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w wire
			// All keys in one slot: only connections of that node need to be there.
			countTrips(t, &w, redis.New(client(&w), redis.Prefix("{"+prefix(t)+"}")))
		})
	}
	t.Run("WaitReplicas", func(t *testing.T) {
		var w wire
		client := newClient(t, goredis.Options{Addr: primary.Addr, Dialer: w.dial})
		countTrips(t, &w, redis.New(client, redis.Prefix(prefix(t)), redis.WaitReplicas(1, time.Minute)))
	})
}

func countTrips(t *testing.T, w *wire, p provider.Provider) {
	for _, trip := range trips {
		rec := stored(t, p)
		holds(t, p, rec) // there is a connection now
		before := w.trips.Load()
		if err := trip.do(t.Context(), p, rec); !errors.Is(err, trip.want) {
			t.Errorf("%s: got error %v, want %v", trip.name, err, trip.want)
		}
		if got := w.trips.Load() - before; got != 1 {
			t.Errorf("%s: %d trips, want 1", trip.name, got)
		}
	}
}

func TestCommandsPerCall(t *testing.T) {
	server := testserver.Redis(t)
	client, p := admin(t, server.Addr), open(t, server.URL)
	for _, trip := range trips {
		rec := stored(t, p)
		holds(t, p, rec)
		do(t, client, "CONFIG", "RESETSTAT")
		if err := trip.do(t.Context(), p, rec); !errors.Is(err, trip.want) {
			t.Errorf("%s: got error %v, want %v", trip.name, err, trip.want)
		}
		got := commandStats(t, client)
		delete(got, "config|resetstat")
		if !maps.Equal(got, trip.commands) {
			t.Errorf("%s: the server ran %v, want %v", trip.name, got, trip.commands)
		}
	}
}

// The script is sent only when the server does not have it.
func TestScriptIsSentAgainWhenForgotten(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client, p := admin(t, server.Addr), open(t, server.URL)
	for name, forget := range map[string]func(){
		"flush":   func() { do(t, client, "SCRIPT", "FLUSH") },
		"restart": server.Restart,
	} {
		t.Run(name, func(t *testing.T) {
			rec := stored(t, p)
			forget()
			eventually(t, "the server is back", func() bool {
				_, err := p.Fetch(t.Context(), rec.ID)
				return err == nil
			})
			do(t, client, "CONFIG", "RESETSTAT")
			for range 3 {
				next := successor(rec)
				save(t, p, next, rec.Version)
				holds(t, p, next)
				rec = next
			}
			if got := commandStats(t, client); got["eval"] != 1 || got["evalsha"] != 3 {
				t.Errorf("the server ran %v, want eval once", got)
			}
		})
	}
}
