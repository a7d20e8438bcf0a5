package testserver

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// A reaper is a shell that kills a server, if it still runs, and removes its folder when
// the shell's standard input ends. That happens however this process ends, even by
// SIGKILL or by the panic of a test's timeout, after which no cleanup runs.
type reaper struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// A stopped process does not fork, so the list of its children is complete. They are
// killed too, because stopped children would not notice its end. PostgreSQL leaves a
// segment of shared memory behind when it is killed; postmaster.pid names it.
const reaperScript = `
trap '' HUP INT QUIT TERM
pid=0
while read -r line; do pid=$line; done
if [ "$pid" -gt 0 ]; then
	kill -STOP "$pid"
	kill -KILL $(cat "/proc/$pid/task/$pid/children" || pgrep -P "$pid") "$pid"
fi
if [ -e "$1/data/postmaster.pid" ]; then
	ipcrm -m "$(awk 'NR == 7 { print $2 }' "$1/data/postmaster.pid")"
fi
for again in 1 2 3 4 5; do
	rm -rf "$1" && break
	sleep 0.2 # the dying may still write
done
`

func newReaper(dir string) (*reaper, error) {
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		return nil, missing("servers are started on Unix only: name running ones in HOLDFAST_TEST_…")
	}
	cmd := exec.Command(sh, "-c", reaperScript, "reaper", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &reaper{cmd, stdin}, cmd.Start()
}

// watch sets the process that the reaper kills; 0 means none.
func (g *reaper) watch(pid int) { fmt.Fprintln(g.stdin, pid) }

// close ends the reaper, and returns when the folder is removed.
func (g *reaper) close() {
	g.stdin.Close()
	g.cmd.Wait()
}
