package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Postgres starts a server with PostgreSQL's default durability. Settings are added to
// postgresql.conf, each as "name=value".
func Postgres(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	servers, err := startPostgres(settings...)
	return own(tb, servers, err)[0]
}

// SharedPostgres returns the URL of a database with a superuser. The server is not
// durable.
func SharedPostgres(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("HOLDFAST_TEST_POSTGRES_URL"); url != "" {
		return url
	}
	servers, err := sharedPostgres()
	require(tb, err)
	return servers[0].URL
}

var sharedPostgres = once(func() ([]*Server, error) {
	return startPostgres("fsync=off", "full_page_writes=off")
})

func startPostgres(settings ...string) ([]*Server, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	s, err := start(kind{
		name: "postgres",
		url:  "postgres://postgres@%s/postgres?sslmode=disable",
		prepare: func(dir string) (*exec.Cmd, error) {
			cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "--no-sync", "--no-instructions",
				"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
			asNobody(cmd)
			return cmd, giveToNobody(dir)
		},
		command: func(dir, port string) *exec.Cmd {
			args := []string{"-D", filepath.Join(dir, "data"), "-p", port}
			for _, setting := range append([]string{
				"listen_addresses=127.0.0.1",
				"unix_socket_directories=",        // their paths may be too long
				"dynamic_shared_memory_type=mmap", // in the folder, so that it goes with it
			}, settings...) {
				args = append(args, "-c", setting)
			}
			cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
			asNobody(cmd)
			return cmd
		},
		ready: logged("database system is ready to accept connections"),
	})
	return []*Server{s}, err
}

// findPostgres returns the folder of the programs. Debian's folder is not in PATH.
func findPostgres() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		initdb, err = filepath.EvalSymlinks(initdb)
		return filepath.Dir(initdb), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", missing("install PostgreSQL (Debian: apt-get install postgresql) or set HOLDFAST_TEST_POSTGRES_URL")
	}
	return filepath.Dir(found[len(found)-1]), nil
}
