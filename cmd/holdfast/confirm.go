package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirmed asks a question, unless -yes answers it, and returns nil if the answer is yes.
// what begins the sentence that it needs a confirmation. refused is the text of the error
// after another answer.
func (j *job) confirmed(ctx context.Context, question, what, refused string) error {
	nobody := usageError(what + " needs a confirmation, but the standard input is not a terminal; give -yes")
	switch {
	case j.yes:
		return nil
	case !j.asks:
		return nobody
	}
	fmt.Fprintf(j.stderr, "%s [y/N] ", question)
	answer, err := j.readLine(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && answer == "":
		fmt.Fprintln(j.stderr)
		return nobody
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New(refused)
}

// readLine reads a line of the standard input until ctx ends. The read itself goes on then.
func (j *job) readLine(ctx context.Context) (string, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func(from io.Reader) {
		text, err := bufio.NewReader(from).ReadString('\n')
		read <- line{text, err}
	}(j.stdin)
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
