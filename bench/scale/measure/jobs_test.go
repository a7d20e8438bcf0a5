package measure_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/admin"
)

// buildTool builds the program holdfast, with the race detector if the tests have it: its
// packages are then compiled already.
func buildTool(t *testing.T) string {
	t.Helper()
	built := filepath.Join(t.TempDir(), "holdfast")
	said, err := exec.Command("go", "build", "-race="+buildSetting("-race"), "-o", built, "../../../cmd/holdfast").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return built
}

func buildSetting(key string) string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return "false"
}

// runTool runs the program holdfast, and returns the most memory that it had.
func runTool(out io.Writer, args ...string) (memory float64, err error) {
	var said bytes.Buffer
	cmd := exec.Command(*program, args...)
	cmd.Stdout, cmd.Stderr = out, &said
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("holdfast: %w\n%s", err, said.Bytes())
			}
			return memory, err
		case <-time.After(5 * time.Millisecond):
			memory = max(memory, peakMemory(cmd.Process.Pid))
		}
	}
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory returns the most memory that a process has had on Linux. What the system tells
// of it after its end (getrusage) begins with the memory of the process that has started it.
func peakMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	found := peak.FindSubmatch(status)
	if found == nil {
		return 0
	}
	kib, _ := strconv.ParseFloat(string(found[1]), 64)
	return kib * 1024
}

// lines counts what is written.
type lines struct{ n int }

func (l *lines) Write(p []byte) (int, error) {
	l.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// listAll lists all sessions as an operator does.
func listAll(f *filled) (figures, error) {
	var listed lines
	memory, err := runTool(&listed, "-store", f.url, "list", "-json")
	if err == nil && listed.n < f.sessions {
		err = fmt.Errorf("%d of %d sessions were listed", listed.n, f.sessions)
	}
	return figures{"sessions": float64(listed.n), "RSS-B": memory}, err
}

// copyAll makes a backup by the program holdfast.
func copyAll(f *filled, dir string) (figures, error) {
	file := filepath.Join(dir, "sessions.hfb")
	defer os.Remove(file)
	memory, err := runTool(io.Discard, "copy", "-from", f.url, "-to", "backup:"+file)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	return figures{"B/session": float64(info.Size()) / float64(f.sessions), "RSS-B": memory}, nil
}

// purgeAll removes the expired sessions.
func purgeAll(f *filled) (figures, error) {
	var said bytes.Buffer
	_, err := runTool(&said, "-store", f.url, "purge")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(said.String(), "removed ")
	n, err := strconv.Atoi(strings.Fields(rest + " 0")[0])
	if err == nil && n != len(f.expiring) {
		err = fmt.Errorf("purge removed %d sessions, want %d: %s", n, len(f.expiring), said.Bytes())
	}
	return figures{"expired": float64(len(f.expiring)), "rows": float64(n)}, err
}

// measureAdmin opens pages of the admin's site.
func measureAdmin(t *testing.T, r *results, s *site) {
	t.Helper()
	r.begin("admin page", 1)
	handler := admin.Handler(s.manager, admin.Options{
		Authorize: func(*http.Request) (string, admin.Rights) { return "olga", admin.AllRights() },
	})
	for page, path := range map[string]string{"overview": "/admin/", "sessions": "/admin/sessions"} {
		a := ask(handler, path, "", "")
		if a.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", path, a.status, a.body)
		}
		r.note("Admin", "/page="+page, figures{"sec": a.took().Seconds()})
	}
}
