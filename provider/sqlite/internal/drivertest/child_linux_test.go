package drivertest

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// childEnv says what this binary does as a child of a test: the role, the driver, the
// path of the database and a limit of the disk, separated by newlines.
const childEnv = "HOLDFAST_DRIVERTEST_CHILD"

// roles are what children do; each returns when it is done, or never.
var roles = map[string]func(ctx context.Context, p *sqlite.Provider, db *sql.DB) error{
	"count":  count,
	"append": appendForever,
	"hold":   hold,
	"purge":  purgeForever,
	"fill":   fill,
}

func TestMain(m *testing.M) {
	if task := os.Getenv(childEnv); task != "" {
		if err := beChild(strings.Split(task, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beChild(task []string) error {
	role, b, path := task[0], backend(task[1]), task[2]
	if limit := limits[task[3]]; limit != nil {
		if err := limit(path); err != nil {
			return err
		}
	}
	db, err := sql.Open(string(b), dataSource(path, writing...))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	p := sqlite.New(db)
	if err := p.CreateTable(context.Background()); err != nil {
		return err
	}
	return roles[role](context.Background(), p, db)
}

// A child is another process on the same file.
type child struct {
	tb     testing.TB
	cmd    *exec.Cmd
	stderr strings.Builder
	lines  *bufio.Scanner // of its standard output
}

// start starts a child, which is killed at the end of the test, or with this process.
func (b backend) start(tb testing.TB, role, path string) *child {
	tb.Helper()
	return b.startWith(tb, role, path, "", syscall.SysProcAttr{})
}

// startWith starts a child with a limit of the disk.
func (b backend) startWith(tb testing.TB, role, path, limit string, attr syscall.SysProcAttr) *child {
	tb.Helper()
	c := &child{tb: tb, cmd: exec.Command("/proc/self/exe")}
	c.cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{role, string(b), path, limit}, "\n"))
	attr.Pdeathsig = syscall.SIGKILL
	c.cmd.SysProcAttr = &attr
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	if err := c.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.kill() })
	return c
}

// line returns the next line that the child prints, or "" after the last.
func (c *child) line() string {
	if !c.lines.Scan() {
		return ""
	}
	return c.lines.Text()
}

// kill ends the child by SIGKILL, and returns the lines that it had printed.
func (c *child) kill() (lines []string) {
	_ = c.cmd.Process.Kill()
	for line := c.line(); line != ""; line = c.line() {
		lines = append(lines, line)
	}
	_ = c.cmd.Wait()
	return lines
}

// end wants the child to come to a good end.
func (c *child) end() {
	c.tb.Helper()
	for c.line() != "" {
	}
	if err := c.cmd.Wait(); err != nil {
		c.tb.Errorf("child: %v: %s", err, &c.stderr)
	}
}

func (c *child) freeze() { c.signal(syscall.SIGSTOP) }
func (c *child) thaw()   { c.signal(syscall.SIGCONT) }

func (c *child) signal(s os.Signal) {
	c.tb.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.tb.Fatal(err)
	}
}

var out io.Writer = os.Stdout // of a child
