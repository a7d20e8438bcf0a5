package sessions_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// What Redis evicts when its memory is full may be the signing keys. An instance that
// has them in memory puts them back, beside those that a new instance has made.
func TestAnEvictedKeyRingSignsNobodyOut(t *testing.T) {
	server, space := stores.Redis.Server(t), stores.Space()
	store := outside(t, stores.Redis.At(t, server, space))
	options, err := redis.ParseURL(server)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	now := time.Now()

	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // records end by the server's clock
		var log bytes.Buffer
		manager := func() *session.Manager {
			m, err := session.New(store, session.Config{StoreTimeout: patience, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		old := manager()
		visitor := visit(old, "", true)
		store.run(func() { evictRing(t, client, space) })
		young := manager()
		newcomer := visit(young, "", true)
		time.Sleep(5 * time.Minute)

		for i, m := range []*session.Manager{old, young, manager()} { // the old one comes first, and puts its keys back
			for who, cookie := range map[string]string{"visitor": visitor, "newcomer": newcomer} {
				if visit(m, cookie, false) == "" {
					t.Errorf("the %s is a stranger to instance %d", who, i)
				}
			}
		}
		if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "lost signing keys") {
			t.Errorf("log: %s", &log)
		}
	})
}

var seen = session.NewKey[bool]("seen")

// visit returns the cookie of the session that the visitor has then, "" if none.
func visit(m *session.Manager, cookie string, begin bool) string {
	r, w := httptest.NewRequest("GET", "https://example.org/", nil), httptest.NewRecorder()
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		if begin {
			seen.Set(s, true)
		}
		if was, _ := seen.Get(s); !was {
			cookie = ""
		}
	}).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return cookie
}

// evictRing deletes the key ring as Redis does.
func evictRing(t *testing.T, client *redis.Client, space string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for keys := client.Scan(ctx, 0, space+":*", 1000).Iterator(); keys.Next(ctx); {
		if strings.Contains(client.Get(ctx, keys.Val()).Val(), "holdfast-keyring") {
			if n, err := client.Del(ctx, keys.Val()).Result(); n != 1 || err != nil {
				t.Errorf("DEL: %d, %v", n, err)
			}
			return
		}
	}
	t.Error("there is no key ring in Redis")
}

// outsider makes the calls of a bubble outside of it, where the network is.
type outsider struct {
	store provider.Provider
	jobs  chan func()
	done  chan struct{}
}

func outside(t *testing.T, store provider.Provider) *outsider {
	o := &outsider{store, make(chan func()), make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for job := range o.jobs {
			job()
			o.done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(o.jobs); <-ended })
	return o
}

func (o *outsider) run(job func()) {
	o.jobs <- job
	<-o.done
}

func (o *outsider) call(job func(context.Context)) {
	o.run(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		job(ctx)
	})
}

func (o *outsider) Fetch(_ context.Context, id string) (rec *provider.Record, err error) {
	o.call(func(ctx context.Context) { rec, err = o.store.Fetch(ctx, id) })
	return rec, err
}

func (o *outsider) Save(_ context.Context, rec *provider.Record, expect int64) (err error) {
	o.call(func(ctx context.Context) { err = o.store.Save(ctx, rec, expect) })
	return err
}

func (o *outsider) Delete(_ context.Context, id string) (err error) {
	o.call(func(ctx context.Context) { err = o.store.Delete(ctx, id) })
	return err
}
