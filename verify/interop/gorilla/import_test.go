package gorilla_test

import (
	"context"
	"encoding/gob"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/boj/redistore"
	"github.com/gorilla/sessions"
	goredis "github.com/redis/go-redis/v9"
	"github.com/wader/gormstore/v2"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

const name = "session-name"

var secret = []byte("the secret of the old store")

type cart struct{ Items []string }

func init() { gob.Register(cart{}) }

// olds are stores that apps of gorilla have. left returns the number of their sessions.
var olds = map[string]func(t *testing.T) (old sessions.Store, left func() int){
	"CookieStore": func(*testing.T) (sessions.Store, func() int) {
		return sessions.NewCookieStore(secret), func() int { return 0 }
	},
	"redistore": func(t *testing.T) (sessions.Store, func() int) { return redisStore(t, nil) },
	"redistore with JSON": func(t *testing.T) (sessions.Store, func() int) {
		return redisStore(t, redistore.JSONSerializer{})
	},
	"gormstore on PostgreSQL": gormStore,
}

func redisStore(t *testing.T, serializer redistore.SessionSerializer) (sessions.Store, func() int) {
	server := testserver.Redis(t)
	old, err := redistore.NewRediStore(2, "tcp", server.Addr, "", "", secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	if serializer != nil {
		old.SetSerializer(serializer)
	}
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	t.Cleanup(func() { client.Close() })
	return old, func() int {
		n, err := client.DBSize(context.Background()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
}

func gormStore(t *testing.T) (sessions.Store, func() int) {
	server := testserver.Postgres(t)
	db, err := gorm.Open(postgres.Open(server.URL), &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	old := gormstore.NewOptions(db, gormstore.Options{TableName: "old_sessions"}, secret)
	return old, func() int {
		var n int
		if err := pool.QueryRow("SELECT count(*) FROM old_sessions").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// jar is a browser's cookies by name.
type jar map[string]string

func (j jar) request() *http.Request {
	r := httptest.NewRequest("GET", "https://example.org/", nil)
	for name, value := range j {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// visit is a request to store that changes the values of its session.
func (j jar) visit(t *testing.T, store sessions.Store, change func(*sessions.Session)) *sessions.Session {
	t.Helper()
	r, w := j.request(), httptest.NewRecorder()
	s, err := store.Get(r, name)
	if err != nil {
		t.Fatal(err)
	}
	if change == nil {
		return s
	}
	change(s)
	if err := s.Save(r, w); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(j, c.Name)
		} else {
			j[c.Name] = c.Value
		}
	}
	return s
}

func TestImport(t *testing.T) {
	for oldName, open := range olds {
		t.Run(oldName, func(t *testing.T) {
			old, left := open(t)
			each(t, func(t *testing.T, url string) { testImport(t, old, left, providerOf(t, url)) })
		})
	}
}

func providerOf(t *testing.T, url string) provider.Provider { return open(t, url) }

func testImport(t *testing.T, old sessions.Store, left func() int, p provider.Provider) {
	j := jar{}
	j.visit(t, old, func(s *sessions.Session) {
		s.Values["user"] = "ann"
		s.AddFlash("welcome")
	})
	values := map[any]any{"user": "ann", "_flash": []any{"welcome"}}
	before := j[name]
	n := left()

	store := gorillaholdfast.NewStore(p, gorillaholdfast.Import(old))
	page := j.visit(t, store, nil)
	if page.IsNew || !reflect.DeepEqual(page.Values, values) {
		t.Errorf("a page has %v", page.Values)
	}
	parallel, parallelWriter := j.request(), httptest.NewRecorder()
	other, err := store.Get(parallel, name)
	if err != nil {
		t.Fatal(err)
	}
	j.visit(t, store, func(s *sessions.Session) { s.Values["cart"] = cart{[]string{"book"}} })
	other.Values["color"] = "red"
	if err := other.Save(parallel, parallelWriter); err != nil || len(parallelWriter.Header()["Set-Cookie"]) > 0 {
		t.Errorf("a parallel request: %v, header %v", err, parallelWriter.Header())
	}
	if j[name] == before {
		t.Error("the cookie is the old one")
	}
	values["cart"], values["color"] = cart{[]string{"book"}}, "red"
	s := j.visit(t, gorillaholdfast.NewStore(p), nil) // needs the old store no longer
	if !reflect.DeepEqual(s.Values, values) || s.ID == "" {
		t.Errorf("got %v, ID %q", s.Values, s.ID)
	}
	if got := left(); n > 0 && got != n-1 {
		t.Errorf("%d sessions are left in the old store of %d", got, n)
	}

	j.visit(t, store, func(s *sessions.Session) { s.Options.MaxAge = -1 })
	j[name] = before
	if s := j.visit(t, store, nil); !s.IsNew || len(s.Values) > 0 {
		t.Errorf("the old cookie opens %v after a logout", s.Values)
	}
}
