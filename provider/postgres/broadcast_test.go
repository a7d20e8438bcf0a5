package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestBroadcasterContract(t *testing.T) {
	table, other := newTable(t), newTable(t)
	first := postgres.New(open(t, config(t)), postgres.Table(table))
	second := postgres.New(open(t, config(t)), postgres.Table("public."+table)) // the same
	third := postgres.New(open(t, config(t)), postgres.Table(other))
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// PgBouncer in transaction mode passes Broadcast on. Listen goes to the server itself.
func TestBroadcasterContractBehindPgBouncer(t *testing.T) {
	cfg, table, other := pgBouncer(t, 4), newTable(t), newTable(t)
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, direct := open(t, cfg), postgres.ListenConfig(config(t).ConnConfig)
	first := postgres.New(pool, postgres.Table(table), direct)
	second := postgres.New(pool, postgres.Table(table), direct)
	third := postgres.New(pool, postgres.Table(other), direct)
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// Without ListenConfig, nothing would be heard. With one connection to the server, what
// the pooler's connection tells itself could be taken for a message.
func TestListenBehindPgBouncer(t *testing.T) {
	for _, connections := range []int{1, 4} {
		cfg := pgBouncer(t, connections)
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		p := postgres.New(open(t, cfg), postgres.Table(newTable(t)), postgres.ProbeTimeout(time.Second))
		l := storetest.StartListen(t, p)
		if err := l.End(); !strings.Contains(err.Error(), "ListenConfig") || l.Begun() {
			t.Errorf("with %d connections: got error %v, want one that says what to do", connections, err)
		}
	}
}

// A Listen takes no connection from the pool, and gives none to it.
func TestListenUsesNoConnectionOfThePool(t *testing.T) {
	cfg := config(t)
	cfg.MaxConns = 1
	connected := 0
	cfg.BeforeConnect = func(_ context.Context, _ *pgx.ConnConfig) error { connected++; return nil }
	pool, table := open(t, cfg), newTable(t)
	p := postgres.New(pool, postgres.Table(table))
	listeners := []*storetest.Listener{storetest.Listen(t, p), storetest.Listen(t, p)}
	storetest.Broadcast(t, p, "message")
	for _, l := range listeners {
		l.Want("message")
	}
	if stat := pool.Stat(); stat.TotalConns() != 1 || stat.AcquiredConns() != 0 || connected != 3 {
		t.Errorf("the pool has %d connections, %d in use; %d were made, want 1, 0, 3", stat.TotalConns(), stat.AcquiredConns(), connected)
	}
	if n := listening(t, pool); n < 2 {
		t.Errorf("%d connections listen, want 2", n)
	}
	for _, l := range listeners {
		_ = l.Cancel()
	}
}

// Whatever the table is called, its channel has a valid name of its own.
func TestBroadcastOnAnyTable(t *testing.T) {
	pool, seen := open(t, config(t)), make(map[string]bool)
	start, long := newName()[:12], strings.Repeat("ä", 24)
	for _, end := range []string{"", `"quoted" name`, "Upper", "upper", "'; SELECT x; --", "\n", long + "a", long + "b"} {
		name := start + end
		p := postgres.New(pool, postgres.Table(name))
		if err := p.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { run(t, pool, "DROP TABLE "+pgx.Identifier{name}.Sanitize()) })
		l := storetest.Listen(t, p)
		storetest.Broadcast(t, p, name)
		l.Want(name)
		channel := postgres.ChannelOf("public", name)
		if len(channel) > 63 || seen[channel] {
			t.Errorf("table %q has channel %q", name, channel)
		}
		seen[channel] = true
	}
}

func TestBroadcastWithoutATable(t *testing.T) {
	p := postgres.New(open(t, config(t)), postgres.Table("none"))
	for name, err := range map[string]error{
		"Broadcast": p.Broadcast(t.Context(), []byte("message")),
		"Listen":    storetest.StartListen(t, p).End(),
	} {
		if err == nil || !strings.Contains(err.Error(), "CreateTable") {
			t.Errorf("%s: got error %v, want one that says what to do", name, err)
		}
	}
}

func TestBroadcastIsUnsupported(t *testing.T) {
	pool, table := open(t, config(t)), newTable(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	crdb, _ := cockroach(t)
	onCockroach, _ := cockroachStore(t, crdb)
	for name, p := range map[string]*postgres.Provider{
		"pgx.Conn":    postgres.New(conn.Conn(), postgres.Table(table)),
		"pgx.Tx":      postgres.New(begin(t, pool), postgres.Table(table)),
		"CockroachDB": onCockroach,
	} {
		for call, err := range map[string]error{
			"Broadcast": p.Broadcast(t.Context(), []byte("message")),
			"Listen":    storetest.StartListen(t, p).End(),
		} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s, %s: got error %v, want ErrUnsupported", name, call, err)
			}
		}
	}
}

// With ListenConfig, one connection is enough for everything else.
func TestBroadcastOnOneConnection(t *testing.T) {
	cfg, table := config(t), newTable(t)
	conn, err := pgx.ConnectConfig(t.Context(), cfg.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(background(t))
	p := postgres.New(conn, postgres.Table(table), postgres.ListenConfig(cfg.ConnConfig))
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "message")
	l.Want("message")
}

// What others send on the channel is no message.
func TestForeignNotifications(t *testing.T) {
	p, pool, table := store(t)
	l := storetest.Listen(t, p)
	channel := postgres.ChannelOf("public", table)
	for _, payload := range []string{"", "m", "m!", "x", "p", "pxyz", "hello", "m====", "m" + strings.Repeat("AAAA", 400)} {
		run(t, pool, "SELECT pg_notify($1, $2)", channel, payload)
	}
	storetest.Broadcast(t, p, "message")
	l.Want("message")
	if n := l.Total(); n != 1 {
		t.Errorf("%d messages are heard, want 1", n)
	}
}

// The configuration's hooks run for the connection of a Listen.
func TestListenRunsTheHooksOfThePool(t *testing.T) {
	cfg := config(t)
	var before, after int
	cfg.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { before++; return nil }
	cfg.AfterConnect = func(_ context.Context, _ *pgx.Conn) error { after++; return nil }
	p := postgres.New(open(t, cfg), postgres.Table(newTable(t)))
	storetest.Broadcast(t, p, "the pool connects")
	before, after = 0, 0
	_ = storetest.Listen(t, p).Cancel()
	if before != 1 || after != 1 {
		t.Errorf("BeforeConnect ran %d times, AfterConnect %d times, want 1", before, after)
	}
	failed := errors.New("failed")
	for _, hook := range []func(*pgxpool.Config){
		func(cfg *pgxpool.Config) {
			cfg.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return failed }
		},
		func(cfg *pgxpool.Config) { cfg.AfterConnect = func(context.Context, *pgx.Conn) error { return failed } },
	} {
		cfg := config(t)
		working := open(t, cfg.Copy())
		hook(cfg)
		p := postgres.New(struct {
			postgres.DB
			configurer
		}{working, configurer{cfg}}, postgres.Table(newTable(t)))
		if err := storetest.StartListen(t, p).End(); !errors.Is(err, failed) {
			t.Errorf("got error %v, want that of the hook", err)
		}
	}
}

type configurer struct{ config *pgxpool.Config }

func (c configurer) Config() *pgxpool.Config { return c.config.Copy() }

// listening returns how many connections of the server wait for messages.
func listening(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return query[int](t, pool, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
}

func TestListenWithoutAServer(t *testing.T) {
	cfg := parse(t, "postgres://postgres@"+testserver.FreeAddr(t)+"/postgres?sslmode=disable")
	p := postgres.New(open(t, config(t)), postgres.Table(newTable(t)), postgres.ListenConfig(cfg.ConnConfig))
	if err := storetest.StartListen(t, p).End(); err == nil || !strings.HasPrefix(err.Error(), "postgres: ") {
		t.Errorf("got error %v", err)
	}
}
