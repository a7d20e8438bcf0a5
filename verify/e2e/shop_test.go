package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience bounds what may take long on a busy machine but must end: all that a test
// does in one tab, too.
const patience = 5 * time.Minute

// screenshots is the ignored folder for what the tests leave to look at.
const screenshots = "screenshots"

// A shop is a running examples/login.
type shop struct {
	url   string
	cmd   *exec.Cmd
	log   *os.File
	ended <-chan error
}

// startShop builds and starts the example. What it logs goes into the file log.
//
// The file is opened by a test and written to when the shop ends. This keeps go
// test from caching the result: it does not see that the tests depend on the
// example, but takes no test for done that has read a file this young.
func startShop(log string, args ...string) (*shop, error) {
	binary, err := buildShop()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		return nil, err
	}
	s := &shop{cmd: exec.Command(binary, append([]string{"-addr", "localhost:0"}, args...)...)}
	if s.log, err = os.Create(filepath.Join(screenshots, log)); err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.ended, err = start(s.cmd); err != nil {
		return nil, err
	}
	if s.url, err = readURL(out); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// buildShop builds the example, with the race detector if the tests have it: but
// for the cipher below bcrypt, which would take ten times as long.
var buildShop = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "holdfast-e2e-")
	if err != nil {
		return "", err
	}
	stops = append(stops, func() error { return os.RemoveAll(dir) })
	binary := filepath.Join(dir, "login")
	cmd := exec.Command("go", "build", "-race="+setting("-race"), "-gcflags=golang.org/x/crypto/blowfish=-race=false",
		"-o", binary, "./examples/login")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// setting is how the tests were built.
func setting(key string) string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return "false"
}

// readURL takes the address from the line that the example prints.
func readURL(out io.Reader) (string, error) {
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the shop did not tell where it serves: %w", err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if !ok {
		return "", fmt.Errorf("the shop says %q, want where it serves", line)
	}
	return url, nil
}

// stop asks the shop to end and sees that it does so well.
func (s *shop) stop() error {
	defer s.log.Close()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.ended:
		return s.blame(err)
	case <-time.After(patience):
		s.cmd.Process.Kill()
		<-s.ended
		return s.blame(errors.New("did not end when asked to"))
	}
}

// blame adds what the shop has logged.
func (s *shop) blame(err error) error {
	if err == nil {
		return nil
	}
	said, _ := os.ReadFile(s.log.Name())
	return fmt.Errorf("the shop: %w\n%s", err, said)
}
