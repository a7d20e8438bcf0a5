package faults_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What the other tests do to a store is done here to an echo: a fault that does
// not bite would make them tests that cannot fail.
func TestToxicsDoWhatTheySay(t *testing.T) {
	for _, tc := range []struct {
		name    string
		toxics  []toxic
		want    error // of reading the answer; nil: it comes
		arrives bool  // the request, at the server
	}{
		{"none", nil, nil, true},
		{"latency", latency, nil, true},
		{"late answers", lateAnswers, os.ErrDeadlineExceeded, true},
		{"cut requests", cutRequests, io.EOF, false},
		{"cut answers", cutAnswers, io.EOF, true},
		{"reset requests", resetRequests, syscall.ECONNRESET, false},
		{"reset answers", resetAnswers, syscall.ECONNRESET, true},
		{"black hole", blackHole, os.ErrDeadlineExceeded, false},
		{"black hole for answers", noAnswers, os.ErrDeadlineExceeded, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			echo := newEcho(t)
			p := newProxy(t, echo.addr)
			open := p.dial(t) // before the toxics
			if err := ask(open, "hello", patience); err != nil {
				t.Fatalf("healthy: %v", err)
			}
			p.poison(tc.toxics...)
			limit := patience
			if tc.want == os.ErrDeadlineExceeded {
				limit = storeTimeout
			}
			began := time.Now()
			for what, conn := range map[string]net.Conn{"open": open, "new": p.dial(t)} {
				before := echo.heard.Load()
				err := ask(conn, "hello", limit)
				closed := what == "open" && tc.want == syscall.ECONNRESET && errors.Is(err, io.EOF) // toxiproxy resets new connections only
				if !errors.Is(err, tc.want) && !closed {
					t.Errorf("%s connection: %v, want %v", what, err, tc.want)
				}
				arrived := func() bool { return echo.heard.Load() > before }
				if tc.arrives {
					eventually(t, arrived, func() string { return what + " connection: the request does not arrive" })
				} else if arrived() {
					t.Errorf("%s connection: the request arrives", what)
				}
			}
			if took := time.Since(began); tc.name == "latency" && took < 80*time.Millisecond {
				t.Errorf("two questions took %v", took)
			}
			p.heal()
			if err := ask(p.dial(t), "hello", patience); err != nil {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

func TestCutMidwayIsInTheMiddleOfAnAnswer(t *testing.T) {
	p := newProxy(t, newEcho(t).addr)
	p.poison(cutMidway...)
	conn := p.dial(t)
	question := strings.Repeat("hello", 200)
	for range 2 {
		if err := ask(conn, question, patience); err != nil {
			t.Fatalf("before the limit: %v", err)
		}
	}
	if err := ask(conn, question, patience); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("over the limit: %v, want half an answer", err)
	}
}

func TestMovedProxyCutsAndLeadsElsewhere(t *testing.T) {
	first, second := newEcho(t), newEcho(t)
	p := newProxy(t, first.addr)
	old := p.dial(t)
	if err := ask(old, "hello", patience); err != nil {
		t.Fatal(err)
	}
	p.move(second.addr)
	if err := ask(old, "hello", patience); err == nil {
		t.Error("a connection to the first server is still open")
	}
	if err := ask(p.dial(t), "hello", patience); err != nil {
		t.Fatal(err)
	}
	if second.heard.Load() == 0 {
		t.Error("the second server has heard nothing")
	}
}

// Before a fault is healed, what was sent in it must have met it.
func TestWhatIsUnreadIsSeen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "hello")
	if runtime.GOOS == "linux" && unread(l.Addr().String()) == 0 {
		t.Error("nothing is unread")
	}
	taken, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	io.ReadFull(taken, make([]byte, len("hello")))
	if n := unread(l.Addr().String()); n != 0 {
		t.Errorf("%d is unread", n)
	}
}

func (p *proxy) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.proxy.Listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask wants its question back.
func ask(conn net.Conn, question string, limit time.Duration) error {
	conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(conn, question); err != nil {
		return err
	}
	answer := make([]byte, len(question))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if !bytes.Equal(answer, []byte(question)) {
		return errors.New("garbled")
	}
	return nil
}

// echo sends back what it hears.
type echo struct {
	addr  string
	heard atomic.Int64 // bytes
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	e := &echo{addr: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(conn)
		}
	}()
	return e
}

func (e *echo) serve(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		e.heard.Add(int64(n))
		if n > 0 {
			conn.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}
