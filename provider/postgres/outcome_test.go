package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants changes to end with an error of that outcome.
func ends(t *testing.T, ctx context.Context, p *postgres.Provider, want outcome) {
	t.Helper()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, storetest.NewRecord(), 0) },
		"update":    func() error { return p.Save(ctx, storetest.NewRecord(), 7) },
		"unchecked": func() error { return p.Save(ctx, storetest.NewRecord(), -1) },
		"delete":    func() error { return p.Delete(ctx, "none") },
	} {
		isOutcome(t, name, change(), want)
	}
}

func isOutcome(t *testing.T, name string, err error, want outcome) {
	t.Helper()
	got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// What was not sent, and what the server refused, has certainly not been saved.
func TestNotSaved(t *testing.T) {
	for name, test := range map[string]struct {
		open func(t *testing.T) *postgres.Provider
		want outcome
	}{
		"a closed port": {func(t *testing.T) *postgres.Provider {
			return postgres.New(open(t, parse(t, "postgres://postgres@"+testserver.FreeAddr(t)+"/postgres?sslmode=disable")))
		}, notSaved},
		"a closed pool": {func(t *testing.T) *postgres.Provider {
			p, pool, _ := store(t)
			pool.Close()
			return p
		}, notSaved},
		"a connection that is closed": {func(t *testing.T) *postgres.Provider {
			conn, err := pgx.Connect(t.Context(), testserver.SharedPostgres(t))
			if err != nil {
				t.Fatal(err)
			}
			conn.Close(t.Context())
			return postgres.New(conn)
		}, notSaved},
		"no such database": {func(t *testing.T) *postgres.Provider {
			cfg := config(t)
			cfg.ConnConfig.Database = newName()
			return postgres.New(open(t, cfg))
		}, refused},
		"no such role": {func(t *testing.T) *postgres.Provider {
			cfg := config(t)
			cfg.ConnConfig.User = newName()
			return postgres.New(open(t, cfg))
		}, refused},
		"a missing table": {func(t *testing.T) *postgres.Provider {
			return postgres.New(open(t, config(t)), postgres.Table(newName()))
		}, refused},
		"a role without privileges": {func(t *testing.T) *postgres.Provider {
			_, admin, table := store(t)
			role := newName()
			run(t, admin, "CREATE ROLE "+role)
			t.Cleanup(func() { run(t, admin, "DROP ROLE "+role) })
			cfg := config(t)
			cfg.ConnConfig.RuntimeParams["role"] = role
			return postgres.New(open(t, cfg), postgres.Table(table))
		}, refused},
		"a read-only server": {func(t *testing.T) *postgres.Provider {
			cfg := config(t)
			cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
			return postgres.New(open(t, cfg), postgres.Table(newTable(t)))
		}, refused},
	} {
		t.Run(name, func(t *testing.T) { ends(t, t.Context(), test.open(t), test.want) })
	}
}

// The time is over before there is a connection.
func TestNotSavedForWantOfAConnection(t *testing.T) {
	cfg := config(t)
	cfg.MaxConns = 1
	pool := open(t, cfg)
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = postgres.New(pool).Save(ctx, storetest.NewRecord(), 0)
	isOutcome(t, "Save", err, refused)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
}

// Of two calls on one connection, one would get it too late for its answer, which would
// cost the connection.
func TestWaitForAConnectionLeavesHalfOfTheTime(t *testing.T) {
	p := postgres.New(busy(t))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	errs := make(chan error)
	for range 2 {
		go func() { errs <- p.Save(ctx, storetest.NewRecord(), 0) }()
	}
	err := <-errs
	isOutcome(t, "Save", err, refused)
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "pool_max_conns") {
		t.Errorf("the context has ended: %v; got error %v, want DeadlineExceeded before that, and advice", ctx.Err() != nil, err)
	}
	<-errs
}

// What has been sent is in doubt, until the answer comes.
func TestSentIsInDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		setting string // of the connection
		end     func(t *testing.T, cancel func(), tx pgx.Tx)
		want    outcome
	}{
		"the time is over":              {"", func(_ *testing.T, cancel func(), _ pgx.Tx) { cancel() }, inDoubt},
		"the connection is terminated":  {"", terminate, inDoubt},
		"the statement is cancelled":    {"statement_timeout=10", func(*testing.T, func(), pgx.Tx) {}, inDoubt},
		"the wait for a lock has ended": {"lock_timeout=10", func(*testing.T, func(), pgx.Tx) {}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			_, admin, table := store(t)
			rec := storetest.NewRecord()
			storetest.Save(t, postgres.New(admin, postgres.Table(table)), rec, 0, nil)
			tx := begin(t, admin)
			run(t, tx, "SELECT FROM "+table+" FOR UPDATE")

			cfg := config(t)
			if key, value, ok := strings.Cut(test.setting, "="); ok {
				cfg.ConnConfig.RuntimeParams[key] = value
			}
			p := postgres.New(open(t, cfg), postgres.Table(table))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- p.Save(ctx, storetest.Next(rec), rec.Version) }()
			if test.setting == "" {
				waiting(t, admin, tx, 1)
			}
			test.end(t, cancel, tx)
			isOutcome(t, "Save", <-done, test.want)
		})
	}
}

// terminate ends the connection that waits for a lock of the transaction.
func terminate(t *testing.T, _ func(), tx pgx.Tx) {
	t.Helper()
	run(t, tx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
}

// replying is a database whose answers are up to the test.
type replying struct {
	postgres.DB
	exec, query error
}

func (r replying) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.NewCommandTag("UPDATE 0"), r.exec
}

func (r replying) QueryRow(context.Context, string, ...any) pgx.Row { return failedRow{r.query} }

func TestCertaintyOfErrorCodes(t *testing.T) {
	for code, want := range map[string]map[string]outcome{
		"ERROR": {
			"23505": refused, "25006": refused, "42501": refused, "42P01": refused, "53100": refused, "55P03": refused, "P0001": refused,
			"08006": inDoubt, "08P01": inDoubt, "40003": inDoubt, "57014": inDoubt, "58030": inDoubt, "XX000": inDoubt, "": inDoubt,
		},
		"FATAL": {"57P01": inDoubt, "53300": inDoubt, "42501": inDoubt},
		"PANIC": {"53100": inDoubt},
	} {
		for sqlstate, want := range want {
			p := postgres.New(replying{exec: &pgconn.PgError{Severity: code, Code: sqlstate}})
			isOutcome(t, fmt.Sprintf("%s %s", code, sqlstate), p.Save(t.Context(), storetest.NewRecord(), 7), want)
		}
	}
}

// The write has told that it has changed nothing: what becomes of the read makes no
// difference to that.
func TestFailedReadAfterARefusedWrite(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, context.DeadlineExceeded, &pgconn.PgError{Severity: "ERROR", Code: "57014"}} {
		p := postgres.New(replying{query: err})
		isOutcome(t, fmt.Sprint(err), p.Save(t.Context(), storetest.NewRecord(), 7), notSaved)
	}
}

// One that lets no row through although it could is refused.
func TestHinderedIsRefused(t *testing.T) {
	p, pool, table := store(t)
	run(t, pool, fmt.Sprintf(`
		CREATE FUNCTION %[1]s_skips() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER skips BEFORE INSERT ON %[1]s FOR EACH ROW EXECUTE FUNCTION %[1]s_skips()`, table))
	t.Cleanup(func() { run(t, pool, fmt.Sprintf("DROP FUNCTION %s_skips CASCADE", table)) })
	isOutcome(t, "Save", p.Save(t.Context(), storetest.NewRecord(), 0), refused)
}
