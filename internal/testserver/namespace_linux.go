package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// MountNamespace returns the attributes of a process that can mount file systems for
// itself alone, such as a small one that fills up. It needs root or user namespaces.
func MountNamespace(tb testing.TB) syscall.SysProcAttr {
	tb.Helper()
	attr := syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	}
	cmd := exec.Command("mount", "--make-rprivate", "/")
	cmd.SysProcAttr = &attr
	if out, err := cmd.CombinedOutput(); err != nil {
		require(tb, missing(fmt.Sprintf("run this test as root, or allow user namespaces (user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns): %v %s", err, out)))
	}
	return attr
}
