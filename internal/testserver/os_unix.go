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

// freeze stops the process and its children: PostgreSQL answers from them. Once
// stopped it forks no more, so the list of its children is complete.
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

// kill returns when the children are gone: PostgreSQL does not start again while
// one of them is there. The process itself is its parent's to wait for.
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

// await returns when the process is in one of these states of proc(5), or is gone.
func await(pid int, states string) {
	poll(func() error {
		if s := state(pid); s != 0 && strings.IndexByte(states, s) < 0 {
			return errors.New("in another state")
		}
		return nil
	})
}

// state is 0 if there is no such process, or no /proc.
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

// nobody is whom root runs PostgreSQL as, which refuses to be run by root. It is nil
// for everyone else.
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
