package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PgBouncer starts a PgBouncer in transaction mode, with that many connections to a
// database, which is given as in "host=… port=… dbname=… user=…".
func PgBouncer(tb testing.TB, database string, connections int) *Server {
	tb.Helper()
	s, err := startPgBouncer(database, connections)
	return own(tb, []*Server{s}, err)[0]
}

const pgBouncerSettings = `
[databases]
db = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
log_connections = 0
log_disconnections = 0
log_stats = 0
`

func startPgBouncer(database string, connections int) (*Server, error) {
	program, err := findDaemon("pgbouncer", "PgBouncer")
	if err != nil {
		return nil, err
	}
	return start(kind{
		name: "pgbouncer",
		url:  "postgres://any@%s/db?sslmode=disable",
		command: func(dir, port string) *exec.Cmd {
			ini := writeConfig(dir, fmt.Sprintf(pgBouncerSettings, database, port, connections))
			if os.Getuid() == 0 { // as which it refuses to run
				return exec.Command(program, "-u", "nobody", ini)
			}
			return exec.Command(program, ini)
		},
		ready: logged("process up"),
	})
}

// writeConfig writes a file with this text and returns its path. If that fails, the
// server ends, and its log says why.
func writeConfig(dir, text string) string {
	path := filepath.Join(dir, "config")
	_ = os.WriteFile(path, []byte(text), 0o600)
	return path
}
