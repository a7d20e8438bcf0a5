package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// An operator's day, on every store.
func TestEveryStore(t *testing.T) {
	space := "test_" + strings.ToLower(rand.Text())
	for _, tc := range []struct {
		name    string
		url     func(testing.TB) string
		created string
		purged  string
	}{
		{"memory", func(testing.TB) string { return "" }, "nothing to do", "nothing to do"},
		{"file", func(tb testing.TB) string { return "file://" + tb.TempDir() + "/sessions" }, "ready: the directory /", "removed what had expired"},
		{"sqlite", func(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/sessions.db" }, "ready: the table holdfast_sessions of SQLite", "removed 0 records"},
		{"redis", func(tb testing.TB) string {
			return "redis://" + testserver.SharedRedis(tb) + "/0?dial_timeout=1m&read_timeout=1m&prefix=" + space + ":"
		}, "nothing to do", "nothing to do"},
		{"redis cluster", func(tb testing.TB) string {
			addrs := testserver.RedisCluster(tb)
			return "redis-cluster://" + addrs[0] + "?dial_timeout=1m&read_timeout=1m&prefix=" + space + ":&addr=" + strings.Join(addrs[1:], "&addr=")
		}, "nothing to do", "nothing to do"},
		{"postgres", func(tb testing.TB) string {
			server := testserver.SharedPostgres(tb)
			tb.Cleanup(func() { dropTable(tb, server, space) })
			join := "?"
			if strings.Contains(server, "?") {
				join = "&"
			}
			return server + join + "table=" + space
		}, "ready: the table " + space + " of PostgreSQL", "removed 0 records"},
		{"mysql", func(tb testing.TB) string {
			server := testserver.SharedMariaDB(tb)
			tb.Cleanup(func() { dropMySQLTable(tb, server, space) })
			return server + "?table=" + space
		}, "ready: the table " + space + " of MySQL", "removed 0 records"},
		{"dynamodb", func(tb testing.TB) string {
			return "dynamodb://holdfast_test?prefix=" + space + "&endpoint=" + url.QueryEscape(testserver.SharedDynamoDB(tb))
		}, "ready: the table holdfast_test of DynamoDB", "nothing to do"},
		{"etcd", func(tb testing.TB) string {
			return testserver.SharedEtcd(tb) + "?prefix=" + space + "/"
		}, "nothing to do", "removed 0 records"},
		{"nats", func(tb testing.TB) string {
			return testserver.SharedNats(tb) + "?bucket=" + space
		}, "ready: the bucket " + space + " of NATS", "nothing to do"},
		{"http", func(tb testing.TB) string {
			return testserver.SharedHTTPStore(tb) + "/" + space + "?token-file=" + tokenFile(tb, testserver.HTTPStoreToken)
		}, "nothing to do", "nothing to do"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := siteAt(t, tc.url(t), tc.created)
			laptop, phone, guest := s.signIn("ada"), s.signIn("ada"), s.device()
			guest.visit(func(s *session.Session) { name.Set(s, "guest") })

			if got, want := s.listed(), []string{laptop.publicID(), phone.publicID(), guest.publicID()}; !same(got, want) {
				t.Errorf("list: %q, want %q", got, want)
			}
			if got, want := s.listed("-user", "ada"), []string{laptop.publicID(), phone.publicID()}; !same(got, want) {
				t.Errorf("list -user: %q, want %q", got, want)
			}
			if got := s.listed("-prefix="+guest.publicID()[:20], "-limit=2"); !same(got, []string{guest.publicID()}) {
				t.Errorf("list -prefix: %q, want %q", got, guest.publicID())
			}
			if got := s.listed("-limit=2"); len(got) != 2 {
				t.Errorf("list -limit 2: %q", got)
			}
			if text := s.must("show", phone.publicID()); !strings.Contains(text, "owner      ada\n") || !strings.Contains(text, "basket = {\n  \"rope\": 2\n}\n") {
				t.Errorf("show:\n%s", text)
			}
			if text := s.must("stats"); !strings.Contains(text, "  session                         3 ") {
				t.Errorf("stats:\n%s", text)
			}

			publicID := phone.publicID()
			if text := s.must("revoke", publicID); text != "ended "+publicID+"\n" {
				t.Errorf("revoke: %s", text)
			}
			s.wantEnded(phone)
			s.wantAlive(laptop)
			if text := s.must("revoke", "-user", "ada"); text != "ended 1 session of user ada\n" {
				t.Errorf("revoke -user: %s", text)
			}
			s.wantEnded(laptop)
			s.wantAlive(guest)
			if text := s.must("purge"); !strings.HasPrefix(text, tc.purged) {
				t.Errorf("purge: %s", text)
			}
			if text := s.must("stats", "-json"); strings.Contains(text, "keyring") {
				t.Errorf("the tool has made signing keys:\n%s", text)
			}
		})
	}
}

// tokenFile returns a file with these lines.
func tokenFile(tb testing.TB, lines ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// dropTable leaves nothing behind on a server that is not the tests' own.
func dropTable(tb testing.TB, server, table string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, server)
	if err != nil {
		tb.Error(err)
		return
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
		tb.Error(err)
	}
}

// dropMySQLTable is dropTable for MySQL and MariaDB.
func dropMySQLTable(tb testing.TB, server, table string) {
	tb.Helper()
	u, err := url.Parse(server)
	if err != nil {
		tb.Error(err)
		return
	}
	db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path)
	if err != nil {
		tb.Error(err)
		return
	}
	defer db.Close()
	if _, err := db.Exec("DROP TABLE " + table); err != nil {
		tb.Error(err)
	}
}

// siteAt returns a site whose store the tool itself creates.
func siteAt(t *testing.T, storeURL, created string) *site {
	t.Helper()
	s := &site{t: t, url: storeURL, store: memory.New(), env: map[string]string{}}
	if got := s.must("create"); !strings.HasPrefix(got, created) {
		t.Errorf("create: %swant %s", got, created)
	}
	if got := s.must("create"); !strings.HasPrefix(got, created) {
		t.Errorf("create once more: %swant %s", got, created)
	}
	if storeURL != "" {
		opened, err := storeurl.Open(t.Context(), storeURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(opened.Close)
		s.store = opened.Provider
	}
	site := newSite(t, s.store, session.Config{StoreTimeout: time.Minute})
	site.url = storeURL
	return site
}

// listed returns the public IDs that list -json prints.
func (s *site) listed(args ...string) (publicIDs []string) {
	s.t.Helper()
	for line := range strings.Lines(s.must(append([]string{"list", "-json"}, args...)...)) {
		var l listed
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			s.t.Fatalf("list: %v: %s", err, line)
		}
		publicIDs = append(publicIDs, l.ID)
	}
	return publicIDs
}

func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func (s *site) wantAlive(d *device) {
	s.t.Helper()
	if d.publicID() == "" {
		s.t.Error("the session has ended")
	}
}

// wantEnded: what it reads is empty, and what it changes is refused.
func (s *site) wantEnded(d *device) {
	s.t.Helper()
	before := *d
	if d.publicID() != "" {
		s.t.Error("the session goes on")
	}
	// What the visitor sets now is of another session.
	var left bool
	code := before.visit(func(s *session.Session) {
		_, left = basket.Get(s)
		name.Set(s, "x")
	})
	if code != http.StatusOK || left {
		s.t.Errorf("a request with its cookie: %d, with what was in it: %v", code, left)
	}
}
