package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

const password = "pass-word"

// Every error says what to do about it, and tells no secret: no ID, key, data or
// password.
func TestErrors(t *testing.T) {
	tests := map[string]struct {
		url  func(t *testing.T) string
		says string // in an error of any call
	}{
		"no server": {func(t *testing.T) string {
			server := testserver.Redis(t)
			server.Kill()
			return "redis://user:" + password + "@" + server.Addr
		}, "connection refused"},
		"no Redis": {func(t *testing.T) string { return "redis://user:" + password + "@" + fake(t, echo) + "?protocol=2" }, "is that a Redis server?"},
		"no database": {func(t *testing.T) string {
			return testserver.Redis(t, "--databases", "1").URL[:len("redis://127.0.0.1:20000/")] + "7"
		}, "no database of that number"},
		"no password": {func(t *testing.T) string { return testserver.Redis(t, "--requirepass", password).URL }, "NOAUTH"},
		"a cluster's other database": {func(t *testing.T) string {
			return strings.TrimSuffix(testserver.Redis(t, "--cluster-enabled", "yes").URL, "0") + "1"
		}, "database 0"},
		"a wrong password": {func(t *testing.T) string {
			return withUser(testserver.Redis(t, "--requirepass", "other"), "default")
		}, "WRONGPASS"},
		"a user without rights to the commands": {func(t *testing.T) string {
			return withUser(testserver.Redis(t, "--user", "app", "on", ">"+password, "~*"), "app")
		}, "NOPERM"},
		"a user without rights to the keys": {func(t *testing.T) string {
			return withUser(testserver.Redis(t, "--user", "app", "on", ">"+password, "~other", "+@all"), "app")
		}, "NOPERM"},
		"a server that does not know the commands": {func(t *testing.T) string {
			return testserver.Redis(t, "--rename-command", "GETEX", "", "--rename-command", "EVALSHA", "").URL
		}, "Redis 6.2 or later"},
		"a replica": {func(t *testing.T) string {
			_, replica := testserver.RedisReplica(t)
			return replica.URL
		}, "READONLY"},
		"a primary without replicas": {func(t *testing.T) string {
			return testserver.Redis(t, "--min-replicas-to-write", "1").URL
		}, "NOREPLICAS"},
		"a server that cannot save": {unsaving, "MISCONF"},
		"a cluster without slots": {func(t *testing.T) string {
			return testserver.Redis(t, "--cluster-enabled", "yes").URL
		}, "CLUSTERDOWN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, test.url(t))
			rec := record()
			for _, c := range calls {
				err := c.do(t.Context(), p, rec)
				fails(t, c.name, err)
				tells(t, c.name, err, test.says, rec)
			}
		})
	}
}

func TestErrorOfMovedKeys(t *testing.T) {
	p := open(t, "redis://"+testserver.RedisCluster(t)[0])
	seen := false
	for range 50 { // of which this node has a third
		rec := record()
		if _, err := p.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrNotFound) {
			tells(t, "Fetch", err, "ClusterClient", rec)
			tells(t, "Save", p.Save(t.Context(), rec, 0), "ClusterClient", rec)
			seen = true
		}
	}
	if !seen {
		t.Error("no key was in another node")
	}
}

func TestErrorOfServerThatIsNoCluster(t *testing.T) {
	client := newClusterClient(t, goredis.ClusterOptions{Addrs: []string{testserver.SharedRedis(t)}})
	p := redis.New(client)
	rec := record()
	for _, c := range calls {
		err := c.do(t.Context(), p, rec)
		fails(t, c.name, err)
		tells(t, c.name, err, "use a Client", rec)
	}
}

func tells(t *testing.T, call string, err error, says string, rec *provider.Record) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, "redis: ") || strings.Contains(text, "redis: redis: ") || !strings.Contains(text, says) {
		t.Errorf("%s: got error %q, want one that begins with redis: and says %q", call, text, says)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{rec.ID, "test-", string(rec.Data), password} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: error %q tells the secret %q", call, err, secret)
			}
		}
	}
}

// withUser returns a URL with a user and the password.
func withUser(server *testserver.Server, user string) string {
	return strings.Replace(server.URL, "redis://", "redis://"+user+":"+password+"@", 1)
}

// unsaving returns the URL of a server that has failed to write its dump: there is
// a folder where that is to be.
func unsaving(t *testing.T) string {
	dir := t.TempDir()
	server := testserver.Redis(t, "--dir", dir, "--save", "3600 1")
	if err := os.MkdirAll(filepath.Join(dir, "dump.rdb", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	client := admin(t, server.Addr)
	do(t, client, "SET", "a", "b")
	eventually(t, "a dump has failed", func() bool {
		_ = client.BgSave(t.Context()).Err()
		return strings.Contains(client.Info(t.Context(), "persistence").Val(), "rdb_last_bgsave_status:err")
	})
	return server.URL
}

// No error quotes a reply, which may be a part of a record, whatever go-redis makes
// of it.
func TestErrorsQuoteNoReply(t *testing.T) {
	for _, kind := range "+-$:,#!=(*%~|>?" {
		for _, secret := range []string{password, "98765432109876543210"} {
			reply := string(kind) + secret + "\r\n"
			t.Run(reply, func(t *testing.T) {
				quotesNot(t, secret, open(t, "redis://"+fake(t, replying(reply))+"?protocol=2"))
				quotesNot(t, secret, open(t, "redis://"+fake(t, replying(":1\r\n"+reply))+"?protocol=2", redis.WaitReplicas(1, time.Second)))
			})
		}
	}
}

func quotesNot(t *testing.T, secret string, p provider.Provider) {
	t.Helper()
	rec := record()
	for _, c := range calls {
		err := c.do(t.Context(), p, rec)
		fails(t, c.name, err)
		tells(t, c.name, err, "", rec)
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: error %q quotes the reply", c.name, err)
			}
		}
	}
}

// fake returns the address of a server whose replies are up to the test.
func fake(t *testing.T, reply func(request []byte) []byte) string {
	t.Helper()
	l := closing(t, listen(t))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				request := make([]byte, 4096)
				for {
					n, err := conn.Read(request)
					if err != nil {
						return
					}
					_, _ = conn.Write(reply(request[:n]))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// echo replies what it was sent, in one line that is no reply of Redis.
func echo(request []byte) []byte {
	return fmt.Appendf(nil, "?%s\r\n", bytes.ReplaceAll(request, []byte("\r\n"), nil))
}

// replying knows the provider's commands only and replies the same to each.
func replying(reply string) func([]byte) []byte {
	return func(request []byte) []byte {
		if bytes.Contains(request, []byte("getex")) || bytes.Contains(request, []byte("evalsha")) {
			return []byte(reply)
		}
		return bytes.Repeat([]byte("-ERR unknown command\r\n"), bytes.Count(request, []byte("*")))
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFullStore(t *testing.T) {
	server := testserver.Redis(t)
	client, p := admin(t, server.Addr), open(t, server.URL)
	rec := stored(t, p)
	do(t, client, "CONFIG", "SET", "maxmemory", "1")

	full := func(call string, err error) {
		t.Helper()
		if !errors.Is(err, provider.ErrFull) {
			t.Errorf("%s: got error %v, want ErrFull", call, err)
		}
		tells(t, call, err, "maxmemory", rec)
	}
	full("create", p.Save(t.Context(), record(), 0))
	full("update", p.Save(t.Context(), successor(rec), rec.Version))
	full("unchecked", p.Save(t.Context(), successor(rec), -1))
	holds(t, p, rec)

	// What needs no room works.
	save(t, p, rec, 7) // has landed before
	if err := p.Save(t.Context(), successor(rec), 7); !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
	if err := p.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
}

// These rules are in the package's documentation.
func TestLeastPrivilege(t *testing.T) {
	user := []string{
		"--user", "app", "on", ">" + password, "~holdfast:*",
		"+getex", "+evalsha", "+eval", "+getrange", "+exists", "+set", "+del", "+scan",
	}
	t.Run("Client", func(t *testing.T) {
		server := testserver.Redis(t, user...)
		leastPrivilege(t, open(t, withUser(server, "app"), redis.Prefix("holdfast:")))
	})
	t.Run("WaitReplicas", func(t *testing.T) {
		primary, _ := testserver.RedisReplica(t, append(user, "+wait")...)
		leastPrivilege(t, open(t, withUser(primary, "app"), redis.Prefix("holdfast:"), redis.WaitReplicas(1, time.Minute)))
	})
	t.Run("ClusterClient", func(t *testing.T) {
		server, _ := clusterOfTwo(t, append(user, "+cluster|slots")...)
		leastPrivilege(t, redis.New(newClusterClient(t, goredis.ClusterOptions{
			Addrs: []string{server.Addr}, Username: "app", Password: password,
		})))
	})
}

func leastPrivilege(t *testing.T, p provider.Provider) {
	for _, trip := range trips {
		if err := trip.do(t.Context(), p, stored(t, p)); !errors.Is(err, trip.want) {
			t.Errorf("%s: got error %v, want %v", trip.name, err, trip.want)
		}
	}
	if ids, err := list(t.Context(), p, ""); err != nil || len(ids) == 0 {
		t.Errorf("List: got %d records and error %v", len(ids), err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
