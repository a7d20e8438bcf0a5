package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

func TestWaitReplicas(t *testing.T) {
	primary, replica := testserver.RedisReplica(t)
	behind := admin(t, replica.Addr)
	p := open(t, primary.URL, redis.WaitReplicas(1, time.Minute))
	// A change has arrived when Save or Delete returns, every time.
	for range 50 {
		rec := stored(t, p)
		if n := do(t, behind, "DBSIZE"); n != int64(1) {
			t.Fatalf("the replica has %d keys after Save, want 1", n)
		}
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		if n := do(t, behind, "DBSIZE"); n != int64(0) {
			t.Fatalf("the replica has %d keys after Delete, want none", n)
		}
	}
}

func TestTooFewReplicas(t *testing.T) {
	primary, replica := testserver.RedisReplica(t)
	pre := redis.Prefix(prefix(t))
	p := open(t, primary.URL, pre, redis.WaitReplicas(1, 50*time.Millisecond))
	two := open(t, primary.URL, redis.WaitReplicas(2, 50*time.Millisecond))
	rec := stored(t, open(t, primary.URL, pre))

	lacking := func(call string, err error) {
		t.Helper()
		fails(t, call, err)
		tells(t, call, err, "replicas", rec)
	}
	other := record()
	lacking("Save", two.Save(t.Context(), other, 0))
	holds(t, two, other) // the change was made

	replica.Freeze()
	next := successor(rec)
	lacking("Save", p.Save(t.Context(), next, rec.Version))
	lacking("repeated Save", p.Save(t.Context(), next, rec.Version)) // the first is not there yet, so nor is this
	holds(t, p, next)
	if err := p.Save(t.Context(), successor(next), 7); !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
	lacking("Delete", p.Delete(t.Context(), rec.ID))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	long := open(t, primary.URL, pre, redis.WaitReplicas(1, time.Minute))
	if err := long.Save(ctx, record(), 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}

	replica.Thaw()
	eventually(t, "the replica has caught up", func() bool { return p.Save(t.Context(), record(), 0) == nil })
}

// WAIT must go to the node that has the key, over the connection of the change.
func TestWaitReplicasInClusterAndRing(t *testing.T) {
	for name, client := range map[string]func(*wire) redis.Client{
		"ClusterClient": func(w *wire) redis.Client {
			return newClusterClient(t, goredis.ClusterOptions{Addrs: testserver.RedisCluster(t), Dialer: w.dial})
		},
		"Ring": func(w *wire) redis.Client {
			return newRing(t, goredis.RingOptions{
				Addrs:  map[string]string{"one": testserver.SharedRedis(t), "two": testserver.Redis(t).Addr},
				Dialer: w.dial, HeartbeatFrequency: time.Hour,
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w wire
			p := redis.New(client(&w), redis.Prefix("{"+prefix(t)+"}"), redis.WaitReplicas(1, time.Millisecond))
			for i := range 20 {
				before := w.trips.Load()
				rec := record()
				err := p.Save(t.Context(), rec, 0)
				if err == nil || !strings.Contains(err.Error(), "only 0 of 1 replicas") {
					t.Fatalf("got error %v, want one that says that there is no replica", err)
				}
				if got := w.trips.Load() - before; i > 0 && got != 1 {
					t.Fatalf("%d trips, want 1", got)
				}
				holds(t, p, rec)
			}
		})
	}
}

func TestWaitReplicasPanicsWithoutReplicaOrTime(t *testing.T) {
	for _, test := range []struct {
		count  int
		atMost time.Duration
	}{{0, time.Second}, {-1, time.Second}, {1, 0}, {1, -1}, {1, time.Millisecond - 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d replicas, %v: no panic", test.count, test.atMost)
				}
			}()
			redis.WaitReplicas(test.count, test.atMost)
		}()
	}
}
