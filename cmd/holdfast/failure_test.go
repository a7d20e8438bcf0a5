package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// No error makes a terminal obey: neither a public ID nor a flag that was mistyped.
func TestErrorsAreInert(t *testing.T) {
	const evil = "\x1b[31m\u202e\u200b"
	s := newMemorySite(t)
	for name, args := range map[string][]string{
		"a public ID to show":   {"show", evil},
		"a public ID to revoke": {"revoke", evil},
		"a command":             {evil},
		"help":                  {"help", evil},
		"a flag":                {"-" + evil, "list"},
		"a flag of a command":   {"list", "-" + evil},
		"the value of a flag":   {"list", "-limit", evil},
		"an operand":            {"list", evil},
		"a user":                {"revoke", "-user", evil},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.run(args...)
			text := strings.TrimSuffix(r.errOut, "\n")
			if r.code == exitDone || text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("exit code %d, %q", r.code, text)
			}
		})
	}
}

// fullDevice takes so many bytes, and then no more.
type fullDevice struct{ left int }

var errNoSpace = errors.New("no space left on device")

func (d *fullDevice) Write(b []byte) (int, error) {
	n := min(len(b), d.left)
	d.left -= n
	if n < len(b) {
		return n, errNoSpace
	}
	return n, nil
}

// What cannot be written is a failure, of whatever command, and at whatever byte.
func TestOutputThatCannotBeWritten(t *testing.T) {
	for name, args := range map[string][]string{
		"help":            {"help"},
		"help of list":    {"help", "list"},
		"list":            {"list"},
		"list of none":    {"list", "-prefix", "none"},
		"list -json":      {"list", "-json"},
		"list of a user":  {"list", "-user", "ada"},
		"show":            {"show", "ID"},
		"show -json":      {"show", "-json", "ID"},
		"stats":           {"stats"},
		"stats -json":     {"stats", "-json"},
		"purge":           {"purge"},
		"create":          {"create"},
		"revoke":          {"revoke", "ID"},
		"revoke of users": {"revoke", "-user", "ada"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // two sites have the same times
				for _, room := range []int{0, 1, -1} { // -1: all but one byte
					s := newMemorySite(t)
					args := slices.Clone(args)
					if publicID := s.signIn("ada").publicID(); args[len(args)-1] == "ID" {
						args[len(args)-1] = publicID
					}
					if room < 0 {
						twin := newSite(t, s.store, session.Config{})
						length := len(twin.run(args...).out)
						s = newMemorySite(t)
						if publicID := s.signIn("ada").publicID(); len(args[len(args)-1]) == len(publicID) {
							args[len(args)-1] = publicID
						}
						room = length - 1
					}
					var errOut strings.Builder
					code := s.writingTo(&fullDevice{room}, &errOut, s.store, args...)
					if code != exitFailed || !strings.Contains(errOut.String(), errNoSpace.Error()) {
						t.Errorf("with room for %d bytes: exit code %d, %q", room, code, errOut.String())
					}
				}
			})
		})
	}
}

// A value of exactly as many bytes as are shown is not cut.
func TestValuesThatDoNotDecodeAreShownUpToTheLimit(t *testing.T) {
	for size, cut := range map[int]bool{shownBytes - 1: false, shownBytes: false, shownBytes + 1: true} {
		s := newSite(t, memory.New(), session.Config{Codec: own{}})
		ada := s.signIn("ada")
		ada.visit(func(s *session.Session) { name.Set(s, strings.Repeat("A", size-1)) }) // the codec adds a byte
		text := s.must("show", ada.publicID())
		if !strings.Contains(text, fmt.Sprintf("(hexadecimal, %d bytes", size)) || strings.Contains(text, "…") != cut {
			t.Errorf("%d bytes: cut is %v, want %v:\n%s", size, !cut, cut, text)
		}
	}
}

// writingTo runs the tool on a store, with these outputs.
func (s *site) writingTo(out, errOut io.Writer, store provider.Provider, args ...string) int {
	open := func(context.Context, string) (*storeurl.Opened, error) {
		return &storeurl.Opened{Provider: store, Close: func() {}}, nil
	}
	t := tool{
		stdin: strings.NewReader(""), stdout: out, stderr: errOut,
		getenv: func(name string) string { return map[string]string{storeEnv: "test:"}[name] },
		open:   open, create: open,
	}
	return t.run(s.t.Context(), args)
}

// A purge that breaks in the middle has failed, and says how far it came.
func TestPurgeThatBreaks(t *testing.T) {
	for name, tc := range map[string]struct {
		removed int64
		err     error
		code    int
		says    string
	}{
		"at once":       {0, errBroken, exitFailed, "holdfast: " + errBroken.Error() + "\n"},
		"midway":        {7, errBroken, exitFailed, "holdfast: after 7 records: " + errBroken.Error() + "\n"},
		"without count": {-1, errBroken, exitFailed, "holdfast: " + errBroken.Error() + "\n"},
		"not":           {7, nil, exitDone, "removed 7 records that had expired\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			tl := tool{
				stdout: &out, stderr: &out,
				getenv: func(name string) string { return map[string]string{storeEnv: "test:"}[name] },
				open: func(context.Context, string) (*storeurl.Opened, error) {
					purge := func(context.Context) (int64, error) { return tc.removed, tc.err }
					return &storeurl.Opened{Provider: memory.New(), Purge: purge, Close: func() {}}, nil
				},
			}
			if code := tl.run(t.Context(), []string{"purge"}); code != tc.code || out.String() != tc.says {
				t.Errorf("exit code %d, %q; want %d, %q", code, out.String(), tc.code, tc.says)
			}
		})
	}
}
