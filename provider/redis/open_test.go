package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

func TestOpenRefusesURLWithoutTellingIt(t *testing.T) {
	for _, url := range []string{
		"",
		"127.0.0.1:6379",
		"http://user:" + password + "@127.0.0.1",
		"redis://user:" + password + "/@127.0.0.1:6379/0",
		"redis://user:%" + password + "@127.0.0.1",
		"redis://user:" + password + "@127.0.0.1:port",
		"redis://127.0.0.1/" + password,
		"redis://127.0.0.1/0/" + password,
		"redis://127.0.0.1?" + password + "=1",
		"redis://127.0.0.1?pool_size=" + password,
		"unix://user:" + password + "@",
		"\x00" + password,
	} {
		p, err := redis.Open(url)
		if err == nil || p != nil {
			t.Errorf("%q: got no error", url)
			continue
		}
		if !strings.HasPrefix(err.Error(), "redis: ") || strings.Contains(err.Error(), password) {
			t.Errorf("%q: got error %q", url, err)
		}
	}
}

func TestOpenDoesNoIO(t *testing.T) {
	server := testserver.Redis(t)
	server.Kill()
	if err := open(t, server.URL).Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenTakesDatabaseAndUserFromURL(t *testing.T) {
	server := testserver.Redis(t, "--user", "app", "on", ">"+password, "~*", "+@all", "--user", "default", "on", "nopass", "~*", "+@all")
	p := open(t, strings.TrimSuffix(withUser(server, "app"), "0")+"3?client_name=here")
	stored(t, p)
	clients := admin(t, server.Addr).ClientList(t.Context()).Val()
	if !strings.Contains(clients, "user=app") || !strings.Contains(clients, "name=here") || !strings.Contains(clients, "db=3") {
		t.Errorf("connected as\n%s", clients)
	}
}

// A call that would get a connection later than this would be too late for its reply, and
// would cost the connection.
func TestOpenLeavesTimeForTheReplyAfterTheWaitForAConnection(t *testing.T) {
	server := testserver.Redis(t)
	p, err := redis.Open(server.URL+"?pool_size=1", redis.Prefix(prefix(t)))
	if err != nil {
		t.Fatal(err)
	}
	closing(t, p)
	stored(t, p)
	server.Freeze()
	defer server.Thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	errs := make(chan error)
	for range 2 { // one of them gets the connection, and no reply
		go func() { errs <- p.Save(ctx, record(), 0) }()
	}
	if err := <-errs; !errors.Is(err, provider.ErrNotSaved) || ctx.Err() != nil {
		t.Errorf("got error %v, the context's is %v; want ErrNotSaved before it ends", err, ctx.Err())
	}
	<-errs
}

// What is under way when a call has ended with its deadline ends as well.
func TestOpenFreesConnectionAtDeadline(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL+"?read_timeout=1h")
	rec := stored(t, p)
	goroutines := runtime.NumGoroutine()
	server.Freeze()
	for _, c := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := c.do(ctx, p, rec); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want %v", c.name, err, context.DeadlineExceeded)
		}
		cancel()
	}
	eventually(t, "no call is under way", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// Only a Fetch is tried again, once, also the one that a List begins with; and a
// connection is made in one attempt.
func TestOpenTriesAgain(t *testing.T) {
	l := closing(t, listen(t))
	var accepted atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			conn.Close()
		}
	}()
	p := open(t, "rediss://"+l.Addr().String()) // TLS fails while the connection is made
	for _, c := range calls {
		before := accepted.Load()
		fails(t, c.name, c.do(t.Context(), p, record()))
		want := int64(1)
		if c.name == "Fetch" || c.name == "List" {
			want = 2
		}
		if got := accepted.Load() - before; got != want {
			t.Errorf("%s: %d connections, want %d", c.name, got, want)
		}
	}
}

func TestOpenUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	if len(socket) > 100 {
		socket = filepath.Join(os.TempDir(), "holdfast-"+rand.Text())
		defer os.Remove(socket)
	}
	testserver.Redis(t, "--unixsocket", socket)
	p := open(t, "unix://"+socket+"?db=1")
	holds(t, p, stored(t, p))
}

func TestOpenTLS(t *testing.T) {
	cert, key := selfSigned(t)
	addr := testserver.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	testserver.Redis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")

	p := open(t, "rediss://"+addr+"?skip_verify=true")
	holds(t, p, stored(t, p))

	_, err := open(t, "rediss://"+addr).Fetch(t.Context(), "id")
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got error %v, want one about a certificate that nobody has signed", err)
	}
}

// selfSigned returns the files of a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))),
		write("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(private)))
}

func TestClose(t *testing.T) {
	t.Run("of Open closes the connections", func(t *testing.T) {
		p := open(t, "redis://"+testserver.SharedRedis(t))
		rec := stored(t, p)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		_, err := p.Fetch(t.Context(), rec.ID)
		tells(t, "Fetch", err, "client is closed", rec)
	})
	t.Run("of New leaves the client alone", func(t *testing.T) {
		client := newClient(t, goredis.Options{Addr: testserver.SharedRedis(t)})
		p := redis.New(client, redis.Prefix(prefix(t)))
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		stored(t, p)
	})
}
