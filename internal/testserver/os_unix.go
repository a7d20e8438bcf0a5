//go:build unix

package testserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// freeze stops the process and its children, which answer for PostgreSQL. A stopped
// process does not fork, so the list of its children is complete.
func freeze(pid int) {
	syscall.Kill(pid, syscall.SIGSTOP)
	await(pid, "TZX")
	for _, child := range children(pid) {
		syscall.Kill(child, syscall.SIGSTOP)
		await(child, "TZX")
	}
}

func thaw(pid int) {
	for _, p := range append(children(pid), pid) {
		syscall.Kill(p, syscall.SIGCONT)
	}
}

// kill kills the process and its children, and returns when the children have ended:
// PostgreSQL does not start again while one of them exists. The parent of the process
// must wait for it.
func kill(pid int) {
	freeze(pid)
	orphans := children(pid)
	for _, p := range append(orphans, pid) {
		syscall.Kill(p, syscall.SIGKILL)
	}
	for _, p := range orphans {
		await(p, "ZX")
	}
}

// await returns when the process is in one of these states of proc(5), or does not exist.
func await(pid int, states string) {
	poll(func() error {
		if s := state(pid); s != 0 && strings.IndexByte(states, s) < 0 {
			return errors.New("in another state")
		}
		return nil
	})
}

// state returns the state of the process, or 0 if there is no such process, or no /proc.
func state(pid int) byte {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// It follows the name in parentheses, which may hold anything.
	i := bytes.LastIndex(stat, []byte(") "))
	if i < 0 {
		return 0
	}
	return stat[i+2]
}

func children(pid int) (pids []int) {
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		out, _ = exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	}
	for _, field := range strings.Fields(string(out)) {
		if p, err := strconv.Atoi(field); err == nil {
			pids = append(pids, p)
		}
	}
	return pids
}

// nobody is the user that root runs PostgreSQL as, because it refuses to run as root. It
// is nil for other users.
var nobody = sync.OnceValue(func() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
})

func asNobody(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody()} }

func giveToNobody(dir string) error {
	if c := nobody(); c != nil {
		return os.Chown(dir, int(c.Uid), int(c.Gid))
	}
	return nil
}
