package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMistakes(t *testing.T) {
	publicID := strings.Repeat("x", 43)
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no command":                 {nil, "which command?"},
		"unknown command":            {[]string{"lst"}, `no command "lst"`},
		"unknown flag":               {[]string{"list", "-x"}, "see holdfast help list"},
		"unknown flag before":        {[]string{"-x", "list"}, "see holdfast help"},
		"a flag of another":          {[]string{"purge", "-user", "ada"}, "see holdfast help purge"},
		"-limit is no number":        {[]string{"list", "-limit", "x"}, "-limit"},
		"-limit is negative":         {[]string{"list", "-limit", "-1"}, "-limit is negative"},
		"an operand too many":        {[]string{"list", "ada"}, `what is "ada"?`},
		"show of two":                {[]string{"show", publicID, "y"}, `what is "y"?`},
		"show of nothing":            {[]string{"show"}, "which session?"},
		"revoke of nothing":          {[]string{"revoke"}, "which sessions?"},
		"revoke both ways":           {[]string{"revoke", publicID, "-user", "ada"}, "not both"},
		"list of an empty user":      {[]string{"list", "-user", ""}, "is empty"},
		"revoke of an empty user":    {[]string{"revoke", "-user="}, "is empty"},
		"a namespace of nobody":      {[]string{"list", "-namespace", "x"}, "give -user or -label as well"},
		"public IDs of a namespace":  {[]string{"revoke", "-namespace", "x", publicID}, "give -user or -label as well"},
		"list by both":               {[]string{"list", "-user", "ada", "-label", "tenant=acme"}, "not both"},
		"a label without a value":    {[]string{"list", "-label", "tenant="}, "NAME=VALUE"},
		"a label without a name":     {[]string{"revoke", "-label", "=acme"}, "NAME=VALUE"},
		"a label of one word":        {[]string{"revoke", "-label", "acme"}, "NAME=VALUE"},
		"a label and public IDs":     {[]string{"revoke", publicID, "-label", "tenant=acme"}, "not both"},
		"everything and a user":      {[]string{"revoke", "-everything", "-within", "10s", "-user", "ada"}, "-everything ends every session"},
		"everything and a public ID": {[]string{"revoke", "-everything", "-within", "10s", publicID}, "-everything ends every session"},
		"everything, without within": {[]string{"revoke", "-everything"}, "needs -within"},
		"within too short a time":    {[]string{"revoke", "-everything", "-within", "1ms"}, "between 1s and 1h"},
		"within too long a time":     {[]string{"revoke", "-everything", "-within", "61m"}, "between 1s and 1h"},
		"within of a user":           {[]string{"revoke", "-within", "10s", "-user", "ada"}, "for -everything only"},
		"a URL for a command":        {[]string{"redis://u:secret@h"}, "no command the URL"},
		"a URL for an operand":       {[]string{"list", "redis://u:secret@h"}, "what is the URL"},
		"help of no command":         {[]string{"help", "lst"}, `no command "lst"`},
		"serve without a token":      {[]string{"serve"}, "which token?"},
		"serve to a network":         {[]string{"serve", "-token-file", tokenFile(t, aToken), "-listen", ":0"}, "give -tls-cert"},
		"serve to another network":   {[]string{"serve", "-token-file", tokenFile(t, aToken), "-listen", "0.0.0.0:0"}, "give -tls-cert"},
		"serve to everyone":          {[]string{"serve", "-no-token"}, "for a Unix socket only"},
		"serve with and without":     {[]string{"serve", "-no-token", "-listen", "unix:///x", "-token-file", "x"}, "for a Unix socket only"},
		"serve with half of TLS":     {[]string{"serve", "-token-file", tokenFile(t, aToken), "-tls-cert", "x"}, "belong together"},
		"serve a socket with TLS":    {[]string{"serve", "-token-file", tokenFile(t, aToken), "-listen", "unix:///x", "-tls-cert", "x", "-tls-key", "y"}, "needs no -tls-cert"},
		"serve at no socket":         {[]string{"serve", "-no-token", "-listen", "unix://"}, "which socket?"},
		"another process memory":     {[]string{"-store", "memory:", "list"}, "another program"},
	} {
		t.Run(name, func(t *testing.T) { newMemorySite(t).fails(2, tc.says, tc.args...) })
	}
}

func TestNoStore(t *testing.T) {
	for name, args := range map[string][]string{"of nothing": {"list"}, "of an empty one": {"-store=", "list"}} {
		t.Run(name, func(t *testing.T) {
			j := &job{tool: &tool{getenv: func(string) string { return "" }}}
			flags := j.flags("holdfast", "store")
			if err := flags.Parse(args); err != nil {
				t.Fatal(err)
			}
			if err := j.prepare(&commands[0]); err == nil || !strings.Contains(err.Error(), "which store?") {
				t.Error(err)
			}
		})
	}
}

// Of -store and HOLDFAST_STORE the first counts, before the command or after it.
func TestWhichStore(t *testing.T) {
	for name, tc := range map[string]struct {
		env  string
		args []string
		want string
	}{
		"before":          {"", []string{"-store", "a:", "stats"}, "a:"},
		"after":           {"", []string{"stats", "-store", "a:"}, "a:"},
		"both":            {"", []string{"-store", "a:", "stats", "-store", "b:"}, "b:"},
		"environment":     {"e:", []string{"stats"}, "e:"},
		"not environment": {"e:", []string{"-store", "a:", "stats"}, "a:"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			closed := 0
			tl := tool{
				stdout: t.Output(), stderr: t.Output(),
				getenv: func(name string) string {
					if name == storeEnv {
						return tc.env
					}
					return ""
				},
				open: func(_ context.Context, storeURL string) (*storeurl.Opened, error) {
					got = storeURL
					return &storeurl.Opened{Provider: memory.New(), Close: func() { closed++ }}, nil
				},
			}
			if code := tl.run(t.Context(), tc.args); code != 0 || got != tc.want || closed != 1 {
				t.Errorf("exit code %d, store %q, closed %d times; want %q", code, got, closed, tc.want)
			}
		})
	}
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	dashed := "-" + strings.Repeat("x", 42)
	for name, tc := range map[string]struct{ args, want []string }{
		"before":                      {[]string{"-json", "a"}, []string{"a"}},
		"after":                       {[]string{"a", "-json"}, []string{"a"}},
		"between":                     {[]string{"a", "-json", "b"}, []string{"a", "b"}},
		"a public ID that has a dash": {[]string{dashed, "-json"}, []string{dashed}},
		"the same behind a flag":      {[]string{"-json", dashed}, []string{dashed}},
	} {
		t.Run(name, func(t *testing.T) {
			var j job
			got, err := operands(j.flags("x", "json"), tc.args)
			if err != nil || !slices.Equal(got, tc.want) || !j.json {
				t.Errorf("got %q, %v, json %v", got, err, j.json)
			}
		})
	}
}

func TestAStoreThatCannotListSaysSo(t *testing.T) {
	s := newMemorySite(t)
	ada := s.signIn("ada")
	s.store = struct{ provider.Provider }{s.store}
	for _, command := range []string{"list", "stats"} {
		s.fails(1, "cannot list", command)
	}
	if got := s.listed("-user", "ada"); !same(got, []string{ada.publicID()}) {
		t.Errorf("list -user: %q", got)
	}
}

func TestInterrupted(t *testing.T) {
	s := newMemorySite(t)
	s.signIn("ada")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"list"}, {"stats"}, {"list", "-user", "ada"}, {"revoke", "-user", "ada"}} {
		if r := s.runIn(ctx, args...); r.code != 1 || r.errOut != "holdfast: interrupted\n" || r.out != "" {
			t.Errorf("%q: exit code %d\n%s%s", args, r.code, r.out, r.errOut)
		}
	}
}

func TestNoPasswordInErrors(t *testing.T) {
	for _, storeURL := range []string{
		"redis://user:secret@127.0.0.1:1/0",
		"redis://user:secret@[/0",
		"redis-cluster://user:secret@127.0.0.1:1",
		"redis-cluster://user:secret@127.0.0.1:1?secret=x",
		"postgres://user:secret@127.0.0.1:1/db",
		"postgres://user:secret@127.0.0.1:x/db",
		"postgres://user:secret@127.0.0.1:1/db?table=a.b.c",
		"dynamodb://user:secret@table",
		"etcd://user:secret@127.0.0.1:1",
		"etcd://user:secret@127.0.0.1:x",
		"nats://user:secret@127.0.0.1:1",
		"nats://user:secret@127.0.0.1:1?bucket=a.b",
		"mysql://user:secret@localhost",
		"https://user:secret@localhost",
		"https://localhost/?secret=x",
		"http+unix:secret",
	} {
		s := newMemorySite(t)
		s.env[storeEnv], s.url = storeURL, storeURL
		r := s.run("list")
		if r.code != 1 || strings.Contains(r.errOut, "secret") || strings.Count(r.errOut, "\n") != 1 {
			t.Errorf("exit code %d: %s", r.code, r.errOut)
		}
	}
}

// What visitors have sent commands no terminal.
func TestNothingCommandsTheTerminal(t *testing.T) {
	const evil = "\x1b[2J\u009b31m\u202e\U000e0001"
	s := newMemorySite(t)
	ada := s.signIn(evil)
	ada.visit(func(s *session.Session) {
		name.Set(s, evil)
		session.NewKey[string](evil).Set(s, evil)
		session.NewKey[map[string]int]("map").Set(s, map[string]int{evil: 1})
	})
	for _, args := range [][]string{
		{"list"},
		{"list", "-json"},
		{"list", "-user", evil},
		{"show", ada.publicID()},
		{"show", "-json", ada.publicID()},
		{"revoke", "-user", evil},
	} {
		if out := s.must(args...); strings.ContainsAny(out, evil[:1]+"\u009b\u202e\U000e0001") {
			t.Errorf("%q: %q", args, out)
		}
	}
}
