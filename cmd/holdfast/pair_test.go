package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// stores is the tool over two stores, which it is given as test:from and test:to.
type stores struct {
	*testing.T
	from, to provider.Provider
	needs    string
	env      map[string]string
	asks     bool
	input    string
}

func newStores(t *testing.T) *stores {
	return &stores{T: t, from: memory.New(), to: memory.New(), env: map[string]string{}}
}

func (s *stores) run(args ...string) result { return s.runIn(s.Context(), args...) }

func (s *stores) runIn(ctx context.Context, args ...string) result {
	var out, errOut bytes.Buffer
	open := func(_ context.Context, storeURL string) (*storeurl.Opened, error) {
		switch storeURL {
		case "test:from":
			return &storeurl.Opened{Provider: s.from, Needs: s.needs, Close: func() {}}, nil
		case "test:to":
			return &storeurl.Opened{Provider: s.to, Needs: s.needs, Close: func() {}}, nil
		}
		return storeurl.Open(ctx, storeURL)
	}
	tl := tool{
		stdin: strings.NewReader(s.input), stdout: &out, stderr: &errOut,
		getenv: func(name string) string { return s.env[name] },
		open:   open, create: open, asks: s.asks,
	}
	code := tl.run(ctx, args)
	return result{code, out.String(), errOut.String()}
}

// do runs a command over both stores, which is to end with the code.
func (s *stores) do(code int, command string, args ...string) result {
	s.Helper()
	r := s.run(append([]string{command, "-from", "test:from", "-to", "test:to"}, args...)...)
	if r.code != code {
		s.Fatalf("holdfast %s %q: exit code %d, want %d\n%s%s", command, args, r.code, code, r.out, r.errOut)
	}
	return r
}

// says reports if a text lacks a part, in which blanks stand for any number of them.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	fields := strings.Join(strings.Fields(text), " ")
	for _, part := range parts {
		if !strings.Contains(fields, part) {
			t.Errorf("got\n%s\nwant %q", text, part)
		}
	}
}

// fill saves n records.
func fill(t *testing.T, p provider.Provider, n int) (recs []*provider.Record) {
	t.Helper()
	for i := range n {
		rec := &provider.Record{ID: fmt.Sprintf("id-%d", i), Version: int64(1<<40 + i), Format: "f", Data: []byte("data")}
		put(t, p, rec)
		recs = append(recs, rec)
	}
	return recs
}

func put(t *testing.T, p provider.Provider, rec *provider.Record) {
	t.Helper()
	if err := p.Save(t.Context(), rec, -1); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, p provider.Provider, recs ...*provider.Record) {
	t.Helper()
	for _, rec := range recs {
		if got, err := p.Fetch(t.Context(), rec.ID); err != nil || !isSame(got, rec) {
			t.Errorf("got %+v and error %v, want %+v", got, err, rec)
		}
	}
}

// number returns how many records a store has.
func number(t *testing.T, p provider.Provider) (n int) {
	t.Helper()
	for _, err := range provider.List(t.Context(), p, "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestMistakesOfPairs(t *testing.T) {
	from, to := []string{"-from", "test:from"}, []string{"-to", "test:to"}
	both := append(from, to...)
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no stores":                 {nil, "Give -from URL, or set HOLDFAST_FROM"},
		"no -to":                    {from, "Give -to URL, or set HOLDFAST_TO"},
		"the same":                  {[]string{"-from", "test:to", "-to", "test:to"}, "the same store"},
		"memory as -from":           {append([]string{"-from", "memory:"}, to...), "-from: the memory of another program"},
		"memory as -to":             {append([]string{"-to", "memory:"}, from...), "-to: the memory of another program"},
		"none at a time":            {append([]string{"-parallel", "0"}, both...), "-parallel is not in the range"},
		"too many at a time":        {append([]string{"-parallel", "1001"}, both...), "-parallel is not in the range"},
		"-store":                    {append([]string{"-store", "test:from"}, both...), "see holdfast help"},
		"an operand":                {append([]string{"redis://u:secret@h"}, both...), "what is the URL that has no flag"},
		"a backup of another host":  {[]string{"-from", "test:from", "-to", "backup://host/x"}, "a file of this machine"},
		"a backup without a name":   {[]string{"-from", "test:from", "-to", "backup:"}, "which file?"},
		"a backup of bad escapes":   {[]string{"-from", "test:from", "-to", "backup:%zz"}, "which file?"},
		"a directory":               {[]string{"-from", "test:from", "-to", "backup:x/"}, "which file?"},
		"a backup without revive":   {[]string{"-from", "backup:" + writtenBackup(t), "-to", "test:to"}, "give -revive"},
		"two backups":               {[]string{"-from", "backup:a", "-to", "backup:b"}, "both backups"},
		"verify of a new backup":    {[]string{"-verify", "-from", "test:from", "-to", "backup:b"}, "needs the backup as -from"},
		"-verify with -replace":     {append([]string{"-verify", "-replace"}, both...), "-verify changes nothing"},
		"-verify with -revive":      {append([]string{"-verify", "-revive"}, both...), "-verify changes nothing"},
		"a flag of the other":       {append([]string{"-dry-run"}, both...), "see holdfast help copy"},
		"move: no stores":           {[]string{"move"}, "see holdfast help move"},
		"move: a backup":            {[]string{"move", "-from", "test:from", "-to", "backup:x"}, "use holdfast copy"},
		"move: two modes":           {append([]string{"move", "-verify", "-clean"}, both...), "exclude each other"},
		"move: not confirmed":       {append([]string{"move"}, both...), "give -yes"},
		"move: clean not confirmed": {append([]string{"move", "-clean"}, both...), "give -yes"},
	} {
		t.Run(name, func(t *testing.T) {
			args := tc.args
			if len(args) == 0 || args[0] != "move" {
				args = append([]string{"copy"}, args...)
			}
			r := newStores(t).run(args...)
			if r.code != exitUsage || r.out != "" || strings.Count(r.errOut, "\n") != 1 || !strings.Contains(r.errOut, tc.says) || strings.Contains(r.errOut, "secret") {
				t.Errorf("exit code %d\n%s%swant %q", r.code, r.out, r.errOut, tc.says)
			}
		})
	}
	s := newStores(t)
	if r := s.run(append([]string{"-store", "test:from", "copy"}, both...)...); r.code != exitUsage || !strings.Contains(r.errOut, "has no -store") {
		t.Errorf("-store before the command: %+v", r)
	}
	newMemorySite(t).fails(exitUsage, "restore it with holdfast copy", "list", "-store", "backup:x")
}

// writtenBackup returns the path of a backup that has no records.
func writtenBackup(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/empty.hfb"
	if r := newStores(t).run("copy", "-from", "test:from", "-to", "backup:"+path); r.code != 0 {
		t.Fatal(r.errOut)
	}
	return path
}

// The environment has the URLs that are not given as flags.
func TestPairOfTheEnvironment(t *testing.T) {
	s := newStores(t)
	recs := fill(t, s.from, 3)
	s.env[fromEnv], s.env[toEnv], s.env[storeEnv] = "test:from", "test:other", "test:none"
	if r := s.run("copy", "-to", "test:to"); r.code != 0 {
		t.Fatal(r.errOut)
	}
	has(t, s.to, recs...)
}

func TestNoPasswordInErrorsOfPairs(t *testing.T) {
	for _, storeURL := range []string{
		"redis://user:secret@127.0.0.1:1/0", "redis://user:secret@[/0",
		"postgres://user:secret@127.0.0.1:1/db", "postgres://user:secret@127.0.0.1:x/db", "mysql://user:secret@[",
	} {
		s := newStores(t)
		fill(t, s.from, 1)
		for _, args := range [][]string{
			{"move", "-yes", "-from", storeURL, "-to", "test:to"},
			{"move", "-yes", "-from", "test:from", "-to", storeURL},
			{"move", "-verify", "-from", "test:from", "-to", storeURL},
			{"copy", "-from", storeURL, "-to", "test:to"},
			{"copy", "-from", "test:from", "-to", storeURL},
		} {
			if r := s.run(args...); r.code != exitFailed || strings.Contains(r.out+r.errOut, "secret") || strings.Count(r.errOut, "\n") != 1 {
				t.Errorf("%q: exit code %d\n%s%s", args, r.code, r.out, r.errOut)
			}
		}
	}
}

// A table that is missing is named, with what makes it. After another error that advice
// would not help.
func TestTableThatIsMissing(t *testing.T) {
	for _, command := range []string{"move", "copy"} {
		s := newStores(t)
		s.needs = "the table x"
		fill(t, s.from, 1)
		args := []string{command, "-from", "test:from", "-to", "test:to"}
		if command == "move" {
			args = append(args, "-yes")
		}
		s.to = refusing{s.to, "the table is missing; create it with CreateTable or by the SQL of Schema"}
		says(t, s.run(args...).errOut, "-to: ", "create it with holdfast create", "if the table x does not exist, give -create")
		if text := s.run(append(args, "-create")...).errOut; strings.Contains(text, "give -create") {
			t.Errorf("with -create: %s", text)
		}
		s.to = refusing{s.to, "the role needs INSERT"}
		if text := s.run(args...).errOut; strings.Contains(text, "create") {
			t.Errorf("a role that may not write: %s", text)
		}
		s.from = unlisted{s.from}
		if text := s.run(args...).errOut; !strings.Contains(text, "-from: ") && !strings.Contains(text, "-to: ") || strings.Contains(text, "create") {
			t.Errorf("a store that cannot be listed: %s", text)
		}
	}
}

type refusing struct {
	provider.Provider
	text string
}

func (r refusing) Save(context.Context, *provider.Record, int64) error {
	return fmt.Errorf("test: %s: %w", r.text, provider.ErrRefused)
}

// unlisted refuses to list.
type unlisted struct{ provider.Provider }

func (unlisted) List(context.Context, string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		yield(nil, fmt.Errorf("test: %w", provider.ErrRefused))
	}
}

func TestPairWhoseFromCannotList(t *testing.T) {
	s := newStores(t)
	s.from = struct{ provider.Provider }{s.from}
	for _, args := range [][]string{{"move", "-yes"}, {"move", "-verify"}, {"move", "-dry-run"}, {"copy"}} {
		r := s.do(exitFailed, args[0], args[1:]...)
		says(t, r.errOut, "cannot list")
	}
}

func TestPairIsInterrupted(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"move", "-yes"}, {"move", "-verify"}, {"move", "-dry-run"}, {"move", "-clean", "-yes"}, {"copy"}} {
		r := s.runIn(ctx, append(args, "-from", "test:from", "-to", "test:to")...)
		if r.code != exitFailed || r.errOut != "holdfast: interrupted\n" {
			t.Errorf("%q: exit code %d\n%s%s", args, r.code, r.out, r.errOut)
		}
	}
}

// What cannot be written is a failure of these commands, too.
func TestOutputOfPairsThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{
		{"move", "-yes"}, {"move", "-verify"}, {"move", "-dry-run"}, {"move", "-clean", "-yes"}, {"move", "-yes", "-json"}, {"copy"}, {"copy", "-json"}, {"copy", "-verify"},
	} {
		stores := map[string]provider.Provider{"test:from": memory.New(), "test:to": memory.New()}
		var errOut strings.Builder
		open := func(_ context.Context, storeURL string) (*storeurl.Opened, error) {
			return &storeurl.Opened{Provider: stores[storeURL], Close: func() {}}, nil
		}
		tl := tool{stdout: &fullDevice{1}, stderr: &errOut, getenv: func(string) string { return "" }, open: open, create: open}
		code := tl.run(t.Context(), append(args, "-from", "test:from", "-to", "test:to"))
		if code != exitFailed || !strings.Contains(errOut.String(), errNoSpace.Error()) {
			t.Errorf("%q: exit code %d, %q", args, code, errOut.String())
		}
	}
}

var errFailing = errors.New("failing")
