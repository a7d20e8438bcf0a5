package testserver

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// MariaDB starts a server with MariaDB's default durability. Settings are options of
// mariadbd, such as "--read-only". The URL has a user with all privileges.
func MariaDB(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	servers, err := startMariaDB(settings...)
	return own(tb, servers, err)[0]
}

// SharedMariaDB returns the URL of a database with a user that has all privileges. The
// server is not durable. HOLDFAST_TEST_MYSQL_URL may name a server of MySQL instead.
func SharedMariaDB(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("HOLDFAST_TEST_MYSQL_URL"); url != "" {
		return url
	}
	servers, err := sharedMariaDB()
	require(tb, err)
	return servers[0].URL
}

var sharedMariaDB = once(func() ([]*Server, error) {
	return startMariaDB("--innodb-flush-log-at-trx-commit=0")
})

// smallMariaDB keeps a server that lives for seconds from writing hundreds of megabytes.
var smallMariaDB = []string{"--innodb-log-file-size=32M", "--innodb-buffer-pool-size=64M"}

func startMariaDB(settings ...string) ([]*Server, error) {
	program, install, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	s, err := start(kind{
		name: "mariadb",
		url:  "mysql://root@%s/holdfast",
		prepare: func(dir string) (*exec.Cmd, error) {
			cmd := exec.Command(install, append([]string{
				"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir,
				"--auth-root-authentication-method=normal", "--skip-test-db",
			}, smallMariaDB...)...)
			asNobody(cmd)
			init := os.WriteFile(filepath.Join(dir, "init.sql"), []byte("CREATE DATABASE IF NOT EXISTS holdfast;\n"), 0o644)
			return cmd, errors.Join(init, giveToNobody(dir))
		},
		command: func(dir, port string) *exec.Cmd {
			args := append([]string{
				"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir, "--init-file=" + filepath.Join(dir, "init.sql"),
				"--bind-address=127.0.0.1", "--port=" + port,
				"--socket=", // its path may be too long
				"--skip-name-resolve",
			}, smallMariaDB...)
			cmd := exec.Command(program, append(args, settings...)...)
			asNobody(cmd)
			return cmd
		},
		ready: logged("ready for connections"),
	})
	return []*Server{s}, err
}

// findMariaDB returns the server and the program that creates its folder.
func findMariaDB() (server, install string, err error) {
	if server, err = findDaemon("mariadbd", "mariadb-server"); err == nil {
		install, err = exec.LookPath("mariadb-install-db")
	}
	if err != nil {
		err = missing("install MariaDB (Debian: apt-get install mariadb-server) or set HOLDFAST_TEST_MYSQL_URL")
	}
	return server, install, err
}
