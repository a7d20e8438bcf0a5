package e2e_test

import (
	"os/exec"
	"runtime"
)

// start starts cmd and sends what it ends with. It ends when the tests do, even if
// they panic: see dieWithUs.
func start(cmd *exec.Cmd) (<-chan error, error) {
	dieWithUs(cmd)
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		// Linux sends the signal when the thread that started the child ends, not
		// the process: so this one is kept until then.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	return ended, <-started
}
