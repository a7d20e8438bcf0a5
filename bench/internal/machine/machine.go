// Package machine describes the machine on which benchmarks run.
package machine

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// programs are the programs of the servers.
var programs = map[string]string{
	"redis": "redis-server", "postgres": "postgres", "mariadb": "mariadbd", "etcd": "etcd",
}

// Write writes the properties of the machine that the results depend on, as configuration
// lines of the benchmark format, with the versions of servers, and of modules by their keys.
func Write(w io.Writer, servers []string, libraries map[string]string) error {
	versions, err := moduleVersions()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "date: %s\n", time.Now().Format(time.DateOnly))
	fmt.Fprintf(w, "cores: %d\n", runtime.NumCPU())
	fmt.Fprintf(w, "go-version: %s\n", strings.TrimPrefix(runtime.Version(), "go"))
	for _, server := range servers {
		fmt.Fprintf(w, "%s-version: %s\n", server, serverVersion(programs[server]))
	}
	for _, key := range slices.Sorted(maps.Keys(libraries)) {
		fmt.Fprintf(w, "%s: %s\n", key, versions[libraries[key]])
	}
	return nil
}

// moduleVersions returns the versions that the benchmarks are built with.
func moduleVersions() (map[string]string, error) {
	list, err := exec.Command("go", "list", "-m", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m all: %w", err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(list)) {
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

// LoadAverage returns Linux's load average of the last minute.
func LoadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return cmp.Or(first, "unknown")
}
