package stores

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var visits = session.NewKey[int]("visits")

// testStore counts visits in two instances that share the store.
func testStore(t *testing.T, store provider.Provider) {
	t.Helper()
	instance := func() http.Handler {
		sessions, err := session.New(store, session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			fmt.Fprint(w, visits.Update(s, func(n int) int { return n + 1 }))
		})
	}
	instances, n := []http.Handler{instance(), instance()}, 0
	b := browser.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		instances[n%2].ServeHTTP(w, r)
	}))
	for i := range 4 {
		b.Get("/").Want(t, 200, fmt.Sprint(i+1))
	}
}

func TestPostgres(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	store, err := openPostgres(ctx, testserver.SharedPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	testStore(t, store)
}

func TestSQLite(t *testing.T) {
	store, err := openSQLite(filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}

func TestMySQL(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	store, err := openMySQL(ctx, testserver.SharedMariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}

func TestEtcd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	store, err := openEtcd(ctx, testserver.SharedEtcd(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}

func TestNATS(t *testing.T) {
	store, err := openNATS(t.Context(), testserver.SharedNats(t)+"?bucket=guide")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}

func TestRedis(t *testing.T) {
	store, err := openRedis("redis://" + testserver.SharedRedis(t) + "/0")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}

func TestSentinel(t *testing.T) {
	sentinel := testserver.Sentinel(t, testserver.Redis(t))
	store, closeClient := openSentinel("main", sentinel.Addr)
	defer closeClient()
	testStore(t, store)
}

func TestDynamoDB(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": testserver.SharedDynamoDB(t), "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
	} {
		t.Setenv(name, value)
	}
	store, err := openDynamoDB(t.Context(), "guide")
	if err != nil {
		t.Fatal(err)
	}
	testStore(t, store)
}

func TestEncrypted(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	plain := memory.New()
	store, err := encrypted(plain, key)
	if err != nil {
		t.Fatal(err)
	}
	testStore(t, store)
	for rec, err := range plain.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(rec.Data, []byte("visits")) {
			t.Error("a record is readable")
		}
	}
}
