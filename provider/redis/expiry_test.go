package redis_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// Redis keeps a key until the millisecond of its expiry is over, a record is gone
// when that begins.
func TestRedisIsToldToExpireAMillisecondEarlier(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	p := redis.New(client, redis.Prefix(pre))
	at := time.Now().Add(time.Hour)
	for _, old := range []time.Time{{}, time.Now().Add(time.Minute)} {
		for _, test := range []struct {
			at   time.Time
			want int64
		}{
			{at, at.UnixMilli() - 1},
			{at.Truncate(time.Second), at.Unix()*1000 - 1},
			{time.Time{}, -1}, // which is never
		} {
			rec := record()
			rec.ExpiresAt = old
			save(t, p, rec, 0)
			next := successor(rec)
			next.ExpiresAt = test.at
			save(t, p, next, rec.Version)
			if got := do(t, client, "PEXPIRETIME", pre+rec.ID); got != test.want {
				t.Errorf("expires at %v, want %d", got, test.want)
			}
		}
	}
}

// A record that has expired is absent although the server still has it in memory.
func TestExpiredRecordIsAbsentBeforeItIsRemoved(t *testing.T) {
	server := testserver.Redis(t, "--enable-debug-command", "yes")
	client := admin(t, server.Addr)
	do(t, client, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
	p := open(t, server.URL)

	expired := func(t *testing.T) *provider.Record {
		// A server that gets it too late does not keep it at all.
		for life := 20 * time.Millisecond; life < time.Minute; life *= 10 {
			rec := record()
			rec.ExpiresAt = time.Now().Add(life)
			save(t, p, rec, 0)
			<-time.After(time.Until(rec.ExpiresAt.Add(5 * time.Millisecond)))
			if n := do(t, client, "DBSIZE"); n != int64(0) {
				return rec
			}
		}
		t.Fatal("the server has removed it already")
		return nil
	}
	t.Run("to Fetch", func(t *testing.T) {
		if _, err := p.Fetch(t.Context(), expired(t).ID); !errors.Is(err, provider.ErrNotFound) {
			t.Errorf("got error %v, want ErrNotFound", err)
		}
	})
	for _, expect := range []int64{1 << 40, 7} {
		t.Run(fmt.Sprint("to an update from version ", expect), func(t *testing.T) {
			err := p.Save(t.Context(), successor(expired(t)), expect)
			if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
				t.Errorf("got error %v, want a conflict with nothing", err)
			}
		})
	}
	t.Run("to a repeated Save", func(t *testing.T) {
		if err := p.Save(t.Context(), expired(t), 7); !errors.Is(err, provider.ErrVersionConflict) {
			t.Errorf("got error %v, want ErrVersionConflict", err)
		}
	})
	t.Run("to a create", func(t *testing.T) {
		next := successor(expired(t))
		next.ExpiresAt = time.Time{}
		save(t, p, next, 0)
		holds(t, p, next)
	})
}
