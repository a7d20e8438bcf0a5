package postgres_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// With exec mode in the URL, PgBouncer may give every transaction another
// connection.
func TestContractBehindPgBouncer(t *testing.T) {
	cfg := pgBouncer(t, 4)
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	contractOn(t, open(t, cfg))
}

// Without, the error tells about it, or PgBouncer is one (from 1.21) that keeps
// track of prepared statements.
func TestPreparedStatementsBehindPgBouncer(t *testing.T) {
	cfg, table := pgBouncer(t, 1), newTable(t)
	for range 2 {
		err := postgres.New(open(t, cfg.Copy()), postgres.Table(table)).Save(t.Context(), record(), 0)
		if err != nil && !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
			t.Errorf("the error %q does not say what to do", err)
		}
	}
}

// pgBouncer starts one in transaction mode, with so many connections to the shared
// server.
func pgBouncer(t *testing.T, connections int) *pgxpool.Config {
	t.Helper()
	to, addr := config(t).ConnConfig, testserver.FreeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	password := ""
	if to.Password != "" {
		password = fmt.Sprintf("password='%s'", to.Password)
	}
	startPgBouncer(t, fmt.Sprintf(`
[databases]
db = host='%s' port=%d dbname='%s' user='%s' %s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
log_connections = 0
log_disconnections = 0
log_stats = 0
`, to.Host, to.Port, to.Database, to.User, password, host, port, connections))

	cfg := parse(t, "postgres://any@"+addr+"/db?sslmode=disable")
	pool := open(t, cfg.Copy())
	eventually(t, "start of PgBouncer", func() bool { return pool.Ping(t.Context()) == nil })
	return cfg
}

// findPgBouncer looks where Debian has it, too, which is not in every PATH.
func findPgBouncer(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if bin, err := exec.LookPath(name); err == nil {
			return bin
		}
	}
	const missing = "install PgBouncer (Debian: apt-get install pgbouncer)"
	if os.Getenv("HOLDFAST_TEST_NOSKIP") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// The shell ends PgBouncer when its standard input ends, as it does when the test
// ends, in whatever way.
const untilEOF = `"$@" & pid=$!; cat >/dev/null; kill -9 $pid; wait`

func startPgBouncer(t *testing.T, settings string) {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(ini, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", untilEOF, "sh", findPgBouncer(t)}
	if os.Getuid() == 0 {
		args = append(args, "-u", "nobody") // it refuses to run as root
	}
	cmd := exec.Command("sh", append(args, ini)...)
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
}
