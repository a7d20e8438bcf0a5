package storeurl_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestAURLThatIsNone(t *testing.T) {
	for _, storeURL := range []string{
		"", "oracle://localhost", "localhost:6379",
		"sqlite:", "sqlite://u:secret@/x.db", "sqlite://secret/x.db", "sqlite:x.db?x=secret", "sqlite:x.db?table=", "sqlite:x.db?table=%ff",
		"sqlite:x.db?table=sqlite_a", "sqlite:x.db?synchronous=secret", "sqlite:%zz", "sqlite:x.db#secret",
		"redis://:secret@[", "redis://h?prefix=%zz", "redis://h?secret=x",
		"redis-cluster://:secret@[", "redis-cluster://h?prefix=%zz", "redis-cluster://u:secret@h?x=y",
		"postgres://u:secret@localhost:0x/", "postgres://u:a@secret@127.0.0.1:x/db",
		"postgres://u:secret@h/?table=", "postgres://u:secret@h/?table=a.b.c", "postgres://u:secret@h/?table=a.",
		"postgres://u:secret@h/?table=a%00", "postgres://u:secret@h/?table=%ff", "postgres://u:secret@h/?table=" + strings.Repeat("x", 64),
		"mysql:", "mysql://", "mysql://u:secret@/db", "mysql://u:secret@h:port/db", "mysql://u:secret@h/a/b", "mysql://u:a@secret@[/db", "mysql://u:%zzsecret@h/db",
		"mysql://u:secret@h/db?maxConns=0", "mysql://u:secret@h/db?timeout=secret", "mysql://u:secret@h/db?tlsCA=/none/secret", "mariadb://u:secret@h/db?tls=secret",
		"mysql://u:secret@h/db?table=", "mysql://u:secret@h/db?table=a.b.c", "mysql://u:secret@h/db?table=a%20", "mysql://u:secret@h/db?table=%ff", "mysql://u:secret@h/db?table=" + strings.Repeat("x", 65),
		"dynamodb://%zz", "dynamodb://AKIA:secret@ta ble", "dynamodb://AKIA:secret@table", "dynamodb:", "dynamodb://table/x",
		"dynamodb://table?endpoint=%zz", "dynamodb://table?endpiont=http://localhost:8000", "dynamodb://table?prefix=" + strings.Repeat("x", 1794),
		"etcd://user:secret@", "etcd://u:secret@h?table=x", "etcd://u:secret@h:x", "etcd://secret@h", "etcds://u:secret@h?ca=/none",
		"nats://user:secret@", "nats://u:secret@h?table=x", "nats://u:secret@h?bucket=a.b", "nats://u:secret@h?replicas=2", "nats://secret@h",
		"http://", "https://u:secret@h", "http://h", "http://h?plain=1", "http://h?plain=%zz", "https://h?token-file=%zz", "https://h?token=secret", "https://h/#secret",
		"https://h?ca=%zz", "https://h?ca=/none/x", "https://h?cert=secret", "https://h?key=secret", "https://h?cert=/none/x&key=/none/y", "http://localhost?ca=secret", "https://h?ca=/dev/null",
		"http+unix://secret/x", "http+unix:", "https://h?token-file=/dev/null", "https://h?token-file=/no/such/file",
		"file:", "file://host/secret", "file:///x?y=z", "file:/x#y", "file:%zz",
	} {
		opened, err := storeurl.Open(t.Context(), storeURL)
		if err == nil || opened != nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", storeURL, err)
		}
	}
}

// A program and a tool that are given different prefixes or tables do not meet.
func TestPrefixAndTable(t *testing.T) {
	for name, urls := range map[string]func(*testing.T) (a, b string){
		"sqlite": func(t *testing.T) (string, string) {
			dir := t.TempDir()
			return "sqlite:" + dir + "/a%20b.db", "sqlite://" + dir + "/a%20b.db?table=B&synchronous=normal"
		},
		"redis": func(t *testing.T) (string, string) {
			server := "redis://" + testserver.SharedRedis(t) + "/0?read_timeout=1m"
			return server + "&prefix=a%3A", server + "&prefix=b:"
		},
		"redis cluster": func(t *testing.T) (string, string) {
			server := "redis-cluster://" + testserver.RedisCluster(t)[0] + "?prefix="
			return server + "a:&read_timeout=1m", server + "b:&read_timeout=1m"
		},
		"postgres": func(t *testing.T) (string, string) {
			server := testserver.SharedPostgres(t)
			t.Cleanup(func() { dropTables(t, server, "storeurl_a", `"storeurl_B"`) })
			return with(server, "table=storeurl_a"), with(server, "table=public.storeurl_B")
		},
		"mysql": func(t *testing.T) (string, string) {
			server := testserver.SharedMariaDB(t)
			t.Cleanup(func() { dropMySQLTables(t, server, "storeurl_a", "storeurl_b") })
			return with(server, "table=storeurl_a"), with(strings.Replace(server, "mysql:", "mariadb:", 1), "maxConns=3&table=storeurl_b")
		},
		"dynamodb": func(t *testing.T) (string, string) {
			server := "dynamodb://storeurl?endpoint=" + url.QueryEscape(testserver.SharedDynamoDB(t))
			return server + "&prefix=a", server + "&prefix=b"
		},
		"etcd": func(t *testing.T) (string, string) {
			server := testserver.SharedEtcd(t)
			return with(server, "prefix=storeurl/a/"), with(server, "prefix=storeurl%2Fb%2F")
		},
		"nats": func(t *testing.T) (string, string) {
			server := testserver.SharedNats(t)
			return with(server, "bucket=storeurl_a"), with(server, "bucket=storeurl_B&replicas=1")
		},
		"http": func(t *testing.T) (string, string) {
			file := filepath.Join(t.TempDir(), "a token")
			if err := os.WriteFile(file, []byte(testserver.HTTPStoreToken+"\nan-old-token-of-the-server\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv(storeurl.TokenEnv, testserver.HTTPStoreToken)
			server := testserver.SharedHTTPStore(t)
			return server + "/storeurl-a?token-file=" + url.QueryEscape(file), server + "/storeurl-b"
		},
		"file": func(t *testing.T) (string, string) {
			dir := t.TempDir()
			return "file:" + dir + "/a%20b", "file://" + dir + "/b"
		},
	} {
		t.Run(name, func(t *testing.T) {
			urlA, urlB := urls(t)
			a, b := created(t, urlA), created(t, urlB)
			rec := &provider.Record{ID: "x", Version: 1 << 32}
			if err := a.Save(t.Context(), rec, -1); err != nil {
				t.Fatal(err)
			}
			if _, err := opened(t, urlA).Fetch(t.Context(), "x"); err != nil {
				t.Errorf("opened again: %v", err)
			}
			if _, err := b.Fetch(t.Context(), "x"); err == nil {
				t.Error("the record is in the other, too")
			}
			if err := a.Delete(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
}

func with(server, parameter string) string {
	if strings.Contains(server, "?") {
		return server + "&" + parameter
	}
	return server + "?" + parameter
}

func created(t *testing.T, storeURL string) provider.Provider {
	t.Helper()
	s, err := storeurl.Create(t.Context(), storeURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Provider
}

func opened(t *testing.T, storeURL string) provider.Provider {
	t.Helper()
	s, err := storeurl.Open(t.Context(), storeURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Provider
}

// dropTables leaves nothing behind on a server that is not the tests' own.
func dropTables(t *testing.T, server string, tables ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, server)
	if err != nil {
		t.Error(err)
		return
	}
	defer pool.Close()
	for _, table := range tables {
		if _, err := pool.Exec(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenMakesNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := storeurl.Open(t.Context(), "sqlite:"+path); err == nil || !strings.Contains(err.Error(), "create the store first") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is there")
	}
}

// dropMySQLTables is dropTables for MySQL and MariaDB.
func dropMySQLTables(t *testing.T, server string, tables ...string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Error(err)
		return
	}
	db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	for _, table := range tables {
		if _, err := db.Exec("DROP TABLE IF EXISTS " + table); err != nil {
			t.Error(err)
		}
	}
}

// A server in another network may be reached by http:// if one says so, and by a socket.
func TestFormsOfHTTP(t *testing.T) {
	for _, storeURL := range []string{"https://h", "http://localhost:1/a", "http://h?plain=true", "http+unix:///a/b.sock", "https://h/a?token-file="} {
		t.Setenv(storeurl.TokenEnv, testserver.HTTPStoreToken)
		if name, found := strings.CutSuffix(storeURL, "token-file="); found {
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte("a-token-in-a-file\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			storeURL = name + "token-file=" + file
		}
		s, err := storeurl.Open(t.Context(), storeURL)
		if err != nil {
			t.Errorf("%s: %v", storeURL, err)
			continue
		}
		s.Close()
	}
}

func TestOpenMakesNoDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := storeurl.Open(t.Context(), "file://"+dir); err == nil || !strings.Contains(err.Error(), "create it first") {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it is there")
	}
}

// A certificate authority of one's own and a certificate of the client are files that the
// URL names.
func TestFilesOfTLS(t *testing.T) {
	handler, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{NoToken: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	cert, key := writePEM(t, server.TLS.Certificates[0])
	t.Setenv(storeurl.TokenEnv, "")
	for parameters, works := range map[string]bool{
		"?ca=" + cert + "&cert=" + cert + "&key=" + key: true,
		"?ca=" + cert:                   false,
		"?cert=" + cert + "&key=" + key: false,
	} {
		err := opened(t, server.URL+parameters).Save(t.Context(), &provider.Record{ID: "x", Version: 1}, -1)
		if (err == nil) != works {
			t.Errorf("%s: got error %v, want none: %t", parameters, err, works)
		}
	}
}

// writePEM returns files with a certificate and its key.
func writePEM(t *testing.T, pair tls.Certificate) (cert, key string) {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// Of several tokens in the environment a client uses the first one.
func TestTokensOfTheEnvironment(t *testing.T) {
	t.Setenv(storeurl.TokenEnv, testserver.HTTPStoreToken+" an-old-token-of-the-server")
	p := opened(t, testserver.SharedHTTPStore(t)+"/storeurl-c")
	if err := p.Save(t.Context(), &provider.Record{ID: "x", Version: 1}, -1); err != nil {
		t.Error(err)
	}
}
