package redis_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// changes are the calls that change something.
func changes() (changes []call) {
	for _, c := range calls {
		if c.name != "Fetch" && c.name != "List" {
			changes = append(changes, c)
		}
	}
	return changes
}

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

func outcomeOf(err error) outcome {
	return outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
}

// What was not sent, and what the server refused, has certainly not been saved.
func TestNotSaved(t *testing.T) {
	for name, test := range map[string]struct {
		open func(t *testing.T) *redis.Provider
		want outcome
	}{
		"a closed port": {func(t *testing.T) *redis.Provider {
			return open(t, "redis://"+testserver.FreeAddr(t))
		}, notSaved},
		"a server without TLS": {func(t *testing.T) *redis.Provider {
			return open(t, "rediss://"+fake(t, echo))
		}, notSaved},
		"a closed client": {func(t *testing.T) *redis.Provider {
			p := open(t, testserver.Redis(t).URL)
			p.Close()
			return p
		}, refused},
		"a pool in use": {func(t *testing.T) *redis.Provider {
			client := newClient(t, goredis.Options{Addr: testserver.SharedRedis(t), PoolSize: 1, PoolTimeout: time.Millisecond})
			hold(t, client)
			return redis.New(client)
		}, refused},
		"no password": {func(t *testing.T) *redis.Provider {
			return open(t, testserver.Redis(t, "--requirepass", password).URL)
		}, refused},
		"a wrong password": {func(t *testing.T) *redis.Provider {
			return open(t, withUser(testserver.Redis(t, "--requirepass", "other"), "default"))
		}, refused},
		"a user without rights": {func(t *testing.T) *redis.Provider {
			return open(t, withUser(testserver.Redis(t, "--user", "app", "on", ">"+password, "~*"), "app"))
		}, refused},
		"a replica": {func(t *testing.T) *redis.Provider {
			_, replica := testserver.RedisReplica(t)
			return open(t, replica.URL)
		}, notSaved},
		"a primary without replicas": {func(t *testing.T) *redis.Provider {
			return open(t, testserver.Redis(t, "--min-replicas-to-write", "1").URL)
		}, refused},
		"a server that cannot save": {func(t *testing.T) *redis.Provider { return open(t, unsaving(t)) }, refused},
		"a cluster without slots": {func(t *testing.T) *redis.Provider {
			return open(t, testserver.Redis(t, "--cluster-enabled", "yes").URL)
		}, refused},
		"a server that loads its data": {replies("-LOADING Redis is loading the dataset in memory\r\n"), refused},
		"a busy server":                {replies("-BUSY Redis is busy running a script\r\n"), refused},
		"a slot that is being moved":   {replies("-TRYAGAIN Multiple keys request during rehashing of slot\r\n"), notSaved},
		"a proxy's error":              {replies("-ERR Server closed connection\r\n"), inDoubt},
		"an error that is not known":   {replies("-UPSTREAM failure\r\n"), inDoubt},
		"no reply of Redis":            {replies("?\r\n"), inDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := test.open(t)
			for _, c := range changes() {
				err := c.do(t.Context(), p, record())
				fails(t, c.name, err)
				if got := outcomeOf(err); got != test.want {
					t.Errorf("%s: got %+v, want %+v: %v", c.name, got, test.want, err)
				}
			}
		})
	}
}

func replies(reply string) func(t *testing.T) *redis.Provider {
	return func(t *testing.T) *redis.Provider { return open(t, "redis://"+fake(t, replying(reply))+"?protocol=2") }
}

// hold takes a connection out of the client's pool until the end of the test.
func hold(t *testing.T, client *goredis.Client) {
	t.Helper()
	conn := closing(t, client.Conn())
	if err := conn.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestFullStoreRefuses(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL)
	rec := stored(t, p)
	do(t, admin(t, server.Addr), "CONFIG", "SET", "maxmemory", "1")
	if got := outcomeOf(p.Save(t.Context(), successor(rec), rec.Version)); got != refused {
		t.Errorf("got %+v, want %+v", got, refused)
	}
}

// The time is over before there is a connection, whoever notices that first.
func TestNotSavedForWantOfAConnection(t *testing.T) {
	for name, options := range map[string]goredis.Options{
		"as go-redis has it":    {},
		"ContextTimeoutEnabled": {ContextTimeoutEnabled: true},
	} {
		for _, e := range ends {
			t.Run(name+", "+e.name, func(t *testing.T) {
				options.Addr, options.PoolSize, options.PoolTimeout = testserver.SharedRedis(t), 1, time.Hour
				client := newClient(t, options)
				hold(t, client)
				p := redis.New(client)
				for _, c := range changes() {
					ctx, sent := e.begin(t.Context())
					go sent()
					err := c.do(ctx, p, record())
					if got := outcomeOf(err); got != refused || !errors.Is(err, e.want) {
						t.Errorf("%s: got %+v, want %+v and %v: %v", c.name, got, refused, e.want, err)
					}
				}
			})
		}
	}
}

// What has been sent is in doubt, until the answer comes.
func TestSentIsInDoubt(t *testing.T) {
	server := testserver.Redis(t)
	for name, options := range map[string]goredis.Options{
		"as go-redis has it":    {},
		"ContextTimeoutEnabled": {ContextTimeoutEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			var w wire
			options.Addr, options.Dialer = server.Addr, w.dial
			p := redis.New(newClient(t, options), redis.Prefix(prefix(t)))
			rec := stored(t, p)
			for _, c := range changes() {
				w.cut.Store(true)
				if err := c.do(t.Context(), p, rec); outcomeOf(err) != inDoubt || err == nil {
					t.Errorf("%s, cut: got error %v, want one in doubt", c.name, err)
				}
			}
			for _, c := range changes() {
				holdsAny(t, p) // there is a connection
				server.Freeze()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a busy machine sends it before
				err := c.do(ctx, p, rec)
				cancel()
				server.Thaw()
				if outcomeOf(err) != inDoubt || err == nil {
					t.Errorf("%s, frozen: got error %v, want one in doubt", c.name, err)
				}
			}
		})
	}
}

func holdsAny(t *testing.T, p provider.Provider) {
	t.Helper()
	if _, err := p.Fetch(t.Context(), "none"); !errors.Is(err, provider.ErrNotFound) {
		t.Fatal(err)
	}
}

// The wait fails after the change was made.
func TestFailedWaitIsNotRefused(t *testing.T) {
	user := []string{"--user", "app", "on", ">" + password, "~*", "+@all", "-wait"}
	p := open(t, withUser(testserver.Redis(t, user...), "app"), redis.WaitReplicas(1, time.Millisecond))
	rec := record()
	if err := p.Save(t.Context(), rec, 0); err == nil || outcomeOf(err) != inDoubt {
		t.Errorf("got error %v, want one in doubt", err)
	}
	holds(t, p, rec)
}

// A call that was given up before it was sent is never sent. The client goes on with
// what it was at, which is to introduce itself to the server.
func TestGivenUpIsNeverSent(t *testing.T) {
	var w wire
	goOn, closed := make(chan struct{}), make(chan struct{})
	wait := func() { <-goOn }
	w.onWrite.Store(&wait)
	client := newClient(t, goredis.Options{Addr: testserver.SharedRedis(t), Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := w.dial(ctx, network, addr)
		return &closeTeller{conn, closed}, err
	}})
	p := redis.New(client, redis.Prefix(prefix(t)))
	if got := outcomeOf(p.Save(shortly(t.Context()), record(), 0)); got != refused {
		t.Errorf("got %+v, want %+v", got, refused)
	}
	close(goOn)
	<-closed
	if n := w.scripts.Load(); n != 0 {
		t.Errorf("the change was sent %d times", n)
	}
}

// closeTeller tells when its connection is closed for the first time.
type closeTeller struct {
	net.Conn
	closed chan struct{}
}

func (c *closeTeller) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return c.Conn.Close()
}
