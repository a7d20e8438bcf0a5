package scs_test

import (
	"context"
	"database/sql"
	"encoding/gob"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	redigo "github.com/gomodule/redigo/redis"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

type person struct{ Name string }

func init() { gob.Register(person{}) }

// stores are scs's own stores, and the provider beside each of them on the same server.
var stores = map[string]func(t *testing.T) (scs.Store, provider.Provider){
	"memstore": func(t *testing.T) (scs.Store, provider.Provider) {
		return memstore.NewWithCleanupInterval(0), memory.New()
	},
	"redisstore": func(t *testing.T) (scs.Store, provider.Provider) {
		addr := testserver.SharedRedis(t)
		pool := &redigo.Pool{Dial: func() (redigo.Conn, error) { return redigo.Dial("tcp", addr) }}
		t.Cleanup(func() { _ = pool.Close() })
		client := redis.NewClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { _ = client.Close() })
		return redisstore.NewWithPrefix(pool, t.Name()), redisprovider.New(client, redisprovider.Prefix(t.Name()+" new"))
	},
	"goredisstore": func(t *testing.T) (scs.Store, provider.Provider) {
		client := redis.NewClient(&redis.Options{Addr: testserver.SharedRedis(t)})
		t.Cleanup(func() { _ = client.Close() })
		return goredisstore.NewWithPrefix(client, t.Name()), redisprovider.New(client, redisprovider.Prefix(t.Name()+" new"))
	},
	"postgresstore": func(t *testing.T) (scs.Store, provider.Provider) {
		pool := newDatabase(t, "old_pq")
		db, err := sql.Open("pgx", pool.Config().ConnString())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return postgresstore.NewWithCleanupInterval(db, 0), newProvider(t, pool)
	},
	"pgxstore": func(t *testing.T) (scs.Store, provider.Provider) {
		pool := newDatabase(t, "old_pgx")
		return pgxstore.NewWithCleanupInterval(pool, 0), newProvider(t, pool)
	},
}

// newDatabase creates a database with scs's table.
func newDatabase(t *testing.T, name string) *pgxpool.Pool {
	t.Helper()
	ctx := t.Context()
	admin, err := pgxpool.New(ctx, testserver.SharedPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name = fmt.Sprint(name, time.Now().UnixNano())
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	config, err := pgxpool.ParseConfig(admin.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	c := config.ConnConfig
	pool, err := pgxpool.New(ctx, fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable", c.User, c.Password, c.Host, c.Port, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(ctx, `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	return pool
}

func newProvider(t *testing.T, pool *pgxpool.Pool) provider.Provider {
	t.Helper()
	p := postgresprovider.New(pool)
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// site is a server whose app can be replaced, as at a deployment.
type site struct {
	mu  sync.Mutex
	app http.Handler
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	app := s.app
	s.mu.Unlock()
	app.ServeHTTP(w, r)
}

func (s *site) deploy(app http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = app
}

// sessionManager has the methods that both managers have.
type sessionManager interface {
	LoadAndSave(next http.Handler) http.Handler
	RenewToken(ctx context.Context) error
	Put(ctx context.Context, key string, val any)
	Get(ctx context.Context, key string) any
	GetInt(ctx context.Context, key string) int
	Destroy(ctx context.Context) error
}

func appOf(m sessionManager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := m.RenewToken(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		m.Put(r.Context(), "user", person{"Ann"})
		m.Put(r.Context(), "n", 1)
	})
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "n", 2) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p, _ := m.Get(r.Context(), "user").(person)
		fmt.Fprint(w, p.Name, " ", m.GetInt(r.Context(), "n"))
	})
	return m.LoadAndSave(mux)
}

// Nobody is signed out by the move, from each store of scs: a visitor of the old app has
// his values in the new one, once, under a new ID, also if he comes with several requests
// to several instances at the same time.
func TestImport(t *testing.T) {
	for name, open := range stores {
		for _, hashed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, hashed %v", name, hashed), func(t *testing.T) {
				oldStore, newStore := open(t)
				old := scs.New()
				old.Store, old.HashTokenInStore = oldStore, hashed
				s := &site{app: appOf(old)}
				server := httptest.NewServer(s)
				defer server.Close()
				v := newVisitor(t, server.URL)
				v.visit("/login", nil)
				if got := v.visit("/", nil); got != "Ann 1" {
					t.Fatalf("the old app shows %q", got)
				}
				token := v.cookie("session")

				instance := func() http.Handler {
					m := scsholdfast.New()
					m.Store = newStore
					m.Import = &scsholdfast.Import{Store: oldStore, HashTokenInStore: hashed}
					m.Config.Logger = slog.New(slog.DiscardHandler)
					return appOf(m)
				}
				instances := []http.Handler{instance(), instance()}
				tokens := parallelVisits(t, instances, token)
				if len(tokens) != 1 || tokens[0] == token {
					t.Fatalf("%d new tokens", len(tokens))
				}
				ctx, err := old.Load(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				if keys := old.Keys(ctx); len(keys) > 0 {
					t.Errorf("the old session is in the store: %v", keys)
				}

				s.deploy(instances[1])
				v.visit("/set", nil) // with the old cookie, a moment later
				if got := v.visit("/", nil); got != "Ann 2" || v.cookie("session") != tokens[0] {
					t.Errorf("the new app shows %q", got)
				}
			})
		}
	}
}

// parallelVisits sends requests with the old cookie to the instances at the same time, and
// returns the different cookies of the responses.
func parallelVisits(t *testing.T, instances []http.Handler, token string) []string {
	t.Helper()
	const parallel = 8
	got := make([]string, parallel)
	begin := make(chan bool)
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: "session", Value: token})
			w := httptest.NewRecorder()
			<-begin
			instances[i%len(instances)].ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Body.String() != "Ann 1" {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			for _, c := range w.Result().Cookies() {
				got[i] = c.Value
			}
		})
	}
	close(begin)
	wg.Wait()
	slices.Sort(got)
	return slices.Compact(got)
}
