package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-go/holdfast/internal/storeurl"
)

// tool is the program with its inputs and outputs, which tests replace.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	open, create   func(ctx context.Context, storeURL string) (*storeurl.Opened, error)

	asks     bool // stdin is a terminal, so a user can answer
	progress bool // stderr is a terminal, so a user sees the progress
	piped    bool // stdout is not a terminal
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// output remembers the first error of writing.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("the output could not be written: %w", err)
	}
	return n, err
}

// usageError is an error in the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// run runs the command that args name, and returns the exit code.
func (t *tool) run(ctx context.Context, args []string) int {
	out := &output{Writer: t.stdout}
	t.stdout = out
	err := t.dispatch(ctx, args)
	if err == nil {
		err = out.err
	}
	if err == nil {
		return exitDone
	}
	text := err.Error()
	if ctx.Err() != nil {
		text = "interrupted"
	}
	fmt.Fprintln(t.stderr, "holdfast:", inert(oneLine(forUsers.Replace(text))))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// oneLine joins the lines of an error, such as those of errors.Join and of databases with
// several addresses.
func oneLine(text string) string {
	return strings.ReplaceAll(lineBreak.ReplaceAllString(text, "; "), ":;", ":")
}

var lineBreak = regexp.MustCompile(`\s*\n\s*`)

func (t *tool) dispatch(ctx context.Context, args []string) error {
	j := &job{tool: t}
	flags := j.flags("holdfast", "store")
	switch err := flags.Parse(args); {
	case isHelp(err):
		return t.help(nil)
	case err != nil:
		return usageError(err.Error() + "; see holdfast help")
	case flags.NArg() == 0:
		return usageError("which command? See holdfast help")
	}
	name, args := flags.Arg(0), flags.Args()[1:]
	if name == "help" {
		return t.help(args)
	}
	c := commandNamed(name)
	if c == nil {
		return usageError(fmt.Sprintf("there is no command %s; see holdfast help", quoted(name)))
	}
	return t.do(ctx, j, c, args)
}

func (t *tool) do(ctx context.Context, j *job, c *command, args []string) (err error) {
	switch j.args, err = operands(j.flags(c.name, c.allFlags()...), args); {
	case isHelp(err):
		return t.help([]string{c.name})
	case err != nil:
		return usageError(fmt.Sprintf("%v; see holdfast help %s", err, c.name))
	case len(j.args) > c.operands:
		return usageError(fmt.Sprintf("what is %s? See holdfast help %s", quoted(j.args[c.operands]), c.name))
	case c.pair:
		return j.between(ctx, c)
	case c.offline:
		return c.run(ctx, j)
	}
	if err := j.prepare(c); err != nil {
		return err
	}
	if c.check != nil {
		if err := c.check(j); err != nil {
			return err
		}
	}
	open := t.open
	if c.creates {
		open = t.create
	}
	if j.store, err = open(ctx, j.storeURL); err != nil {
		return err
	}
	defer j.store.Close()
	return c.run(ctx, j)
}

// quoted returns an argument for an error, unless it is a URL, which may contain a
// password.
func quoted(arg string) string {
	if strings.Contains(arg, "://") {
		return "the URL that has no flag before it"
	}
	return strconv.Quote(arg)
}
