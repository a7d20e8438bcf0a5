package testserver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Server is a running server that the test may kill or freeze.
type Server struct {
	Addr string // 127.0.0.1:port
	URL  string // for a client: redis://…, postgres://…, mysql://…, http://…, etcd://…

	tb     testing.TB
	kind   kind
	dir    string
	claim  io.Closer // of Addr
	reaper *reaper
	cmd    *exec.Cmd
	done   chan struct{} // closed when cmd has ended
}

// A kind describes how to run one server program.
type kind struct {
	name    string
	url     string                              // of the address
	prepare func(dir string) (*exec.Cmd, error) // a command to run once before; may be nil
	command func(dir, port string) *exec.Cmd    // the program in the foreground
	ready   func(addr string, log []byte) bool  // whether it answers; log is of this run
}

const startAttempts = 5

// start runs a new server and waits until it is ready. Another program may take the port
// between its choice and its use, so a server that ends at once is started again on
// another port.
func start(k kind) (*Server, error) {
	s, err := newServer(k)
	if err != nil {
		return nil, fmt.Errorf("testserver: %s: %w", k.name, err)
	}
	for range startAttempts {
		if err = s.move(); err == nil {
			err = s.run()
		}
		if err == nil {
			s.URL = fmt.Sprintf(k.url, s.Addr)
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("testserver: %s: %w", k.name, err)
}

// move gives the server a new address.
func (s *Server) move() error {
	addr, claim, err := claimAddr()
	if err != nil {
		return err
	}
	s.leave()
	s.Addr, s.claim = addr, claim
	return nil
}

// leave releases the server's address.
func (s *Server) leave() {
	if s.claim != nil {
		s.claim.Close()
	}
}

func newServer(k kind) (*Server, error) {
	dir, err := os.MkdirTemp("", "holdfast-"+k.name+"-")
	if err != nil {
		return nil, err
	}
	g, err := newReaper(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	s := &Server{kind: k, dir: dir, reaper: g}
	if err := s.prepare(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) prepare() error {
	if s.kind.prepare == nil {
		return nil
	}
	cmd, err := s.kind.prepare(s.dir)
	if err == nil {
		err = s.launch(cmd)
	}
	if err != nil {
		return err
	}
	if <-s.done; !cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %v\n%s", filepath.Base(cmd.Path), cmd.ProcessState, s.log())
	}
	return nil
}

// run starts the program at s.Addr and waits until it is ready.
func (s *Server) run() error {
	_, port, _ := net.SplitHostPort(s.Addr)
	if err := s.launch(s.kind.command(s.dir, port)); err != nil {
		return err
	}
	timeout := time.After(pollTimeout)
	for !s.kind.ready(s.Addr, s.log()) {
		select {
		case <-s.done:
			return fmt.Errorf("%v\n%s", s.cmd.ProcessState, s.log())
		case <-timeout:
			s.Kill()
			return fmt.Errorf("not ready after %v\n%s", pollTimeout, s.log())
		case <-time.After(pollInterval):
		}
	}
	return nil
}

// launch starts cmd under a reaper, with a log of its own.
func (s *Server) launch(cmd *exec.Cmd) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.reaper.watch(cmd.Process.Pid)
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() {
		cmd.Wait()
		s.reaper.watch(0)
		close(done)
	}()
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *Server) log() []byte {
	log, _ := os.ReadFile(s.logFile())
	return log
}

// logged returns a ready function for servers that log line when they are ready. Unlike
// an answer at the port, the log cannot be another server's.
func logged(line string) func(addr string, log []byte) bool {
	return func(_ string, log []byte) bool { return bytes.Contains(log, []byte(line)) }
}

// stop ends the server permanently and removes its folder.
func (s *Server) stop() {
	if s.done != nil {
		s.Kill()
	}
	s.reaper.close()
	s.leave()
}

// Pid returns the process ID. Restart changes it.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Kill ends the server as kill -9 does, with its child processes, and returns when
// it is gone.
func (s *Server) Kill() {
	s.tell(kill)
	<-s.done
}

// Freeze stops the server with SIGSTOP: the system still accepts its connections and
// takes data, but nothing is answered until Thaw.
func (s *Server) Freeze() { s.tell(freeze) }

// Thaw lets a frozen server continue.
func (s *Server) Thaw() { s.tell(thaw) }

// tell does nothing if the server has ended, because its process ID may have been reused.
func (s *Server) tell(what func(pid int)) {
	select {
	case <-s.done:
	default:
		what(s.Pid())
	}
}

// Restart starts the server again after Kill, or kills it first. It keeps the address and
// the data on disk. It fails the test if the server does not start, so call it from the
// test's goroutine.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	var err error
	for range startAttempts {
		if err = s.run(); err == nil {
			return
		}
		time.Sleep(10 * pollInterval) // remains of the old process may block the new one
	}
	s.tb.Fatalf("testserver: restart %s: %v", s.kind.name, err)
}
