package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// writeMachine writes the properties of the machine that the results depend on, as
// configuration lines of the benchmark format.
func writeMachine(w io.Writer) error {
	versions, err := moduleVersions()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "date: %s\n", time.Now().Format(time.DateOnly))
	fmt.Fprintf(w, "cores: %d\n", runtime.NumCPU())
	fmt.Fprintf(w, "go-version: %s\n", strings.TrimPrefix(runtime.Version(), "go"))
	fmt.Fprintf(w, "redis-version: %s\n", serverVersion("redis-server"))
	fmt.Fprintf(w, "postgres-version: %s\n", serverVersion("postgres"))
	fmt.Fprintf(w, "mariadb-version: %s\n", serverVersion("mariadbd"))
	fmt.Fprintf(w, "etcd-version: %s\n", serverVersion("etcd"))
	for _, lib := range libraries {
		fmt.Fprintf(w, "%s: %s\n", lib.key, versions[lib.module])
	}
	return nil
}

// libraries are the libraries whose versions the page shows.
var libraries = []struct{ key, module string }{
	{"scs", "github.com/alexedwards/scs/v2"},
	{"goredisstore", "github.com/alexedwards/scs/goredisstore"},
	{"pgxstore", "github.com/alexedwards/scs/pgxstore"},
	{"gorilla-sessions", "github.com/gorilla/sessions"},
	{"redistore", "github.com/boj/redistore"},
	{"gin", "github.com/gin-gonic/gin"},
	{"gin-sessions", "github.com/gin-contrib/sessions"},
	{"fiber", "github.com/gofiber/fiber/v3"},
	{"fiber-redis", "github.com/gofiber/storage/redis/v3"},
	{"fasthttp", "github.com/valyala/fasthttp"},
	{"go-redis", "github.com/redis/go-redis/v9"},
	{"pgx", "github.com/jackc/pgx/v5"},
	{"go-sqlite3", "github.com/ncruces/go-sqlite3"},
	{"mysql", "github.com/go-sql-driver/mysql"},
	{"etcd-client", "go.etcd.io/etcd/client/v3"},
	{"nats.go", "github.com/nats-io/nats.go"},
	{"nats-server", "github.com/nats-io/nats-server/v2"},
	{"securecookie", "github.com/gorilla/securecookie"},
}

// moduleVersions returns the versions that the benchmarks are built with.
func moduleVersions() (map[string]string, error) {
	var list bytes.Buffer
	if err := execute(&list, "go", "list", "-m", "all"); err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(list.String()) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			versions[path] = version
		}
	}
	return versions, nil
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

// serverVersion returns the version that the program reports. Debian has some
// programs in folders that are not in PATH.
func serverVersion(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		hidden, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
		sbin, _ := filepath.Glob("/usr/sbin/" + program)
		hidden = append(hidden, sbin...)
		if len(hidden) == 0 {
			return "unknown"
		}
		path = hidden[len(hidden)-1]
	}
	said, _ := exec.Command(path, "--version").Output()
	return cmp.Or(versionNumber.FindString(string(said)), "unknown")
}

// loadAverage returns Linux's load average of the last minute.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return cmp.Or(first, "unknown")
}
