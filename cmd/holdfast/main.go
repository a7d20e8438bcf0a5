package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/storeurl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	goredis.SetLogger(silent{})  // its messages are returned as errors, too
	t := tool{
		stdin:    os.Stdin,
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		getenv:   os.Getenv,
		open:     storeurl.Open,
		create:   storeurl.Create,
		asks:     isTerminal(os.Stdin),
		progress: isTerminal(os.Stderr),
		piped:    !isTerminal(os.Stdout),
	}
	code := t.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// isTerminal reports whether f is a terminal. It returns true for /dev/null as well,
// which does no harm.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
