package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

// million is what most tests ask for.
var million = []string{"size", "-sessions", "1e6", "-requests", "1000"}

func TestGoldenSize(t *testing.T) {
	for _, kind := range []string{"redis-cluster", "postgres", "dynamodb"} {
		golden(t, "size-"+kind+".txt", newMemorySite(t).must(append(million, "-store", kind)...), nil)
	}
	golden(t, "help-size.txt", newMemorySite(t).must("help", "size"), nil)
}

// The store is never opened, and the one of the environment is not meant.
func TestSizeOpensNothing(t *testing.T) {
	s := newMemorySite(t)
	s.env[storeEnv] = "redis://user:secret@127.0.0.1:1/0"
	want := s.must(append(million, "-store", "redis")...)
	for _, store := range []string{"redis://user:secret@127.0.0.1:1/0", "rediss://127.0.0.1:1", "unix:///x"} {
		if got := s.must(append(million, "-store", store)...); got != want {
			t.Errorf("%s:\n%s", store, got)
		}
	}
	if got := s.must(append([]string{"-store", "redis"}, million...)...); got != want {
		t.Errorf("-store before the command:\n%s", got)
	}
	for _, kind := range capacity.Stores() {
		if all := s.must(million...); !strings.Contains(all, "\n"+kind+" ") {
			t.Errorf("%s is missing:\n%s", kind, all)
		}
	}
}

// Numbers have several forms.
func TestSizeFlags(t *testing.T) {
	s := newMemorySite(t)
	load := func(args ...string) (l capacity.Load) {
		t.Helper()
		var e capacity.Estimate
		if err := json.Unmarshal([]byte(s.must(append(append(million, "-store", "redis", "-json"), args...)...)), &e); err != nil {
			t.Fatal(err)
		}
		return e.Load
	}
	usual := load()
	if usual.Sessions != 1e6 || usual.Bytes != usualBytes || usual.Changes != usualChanges || usual.Owned != usualOwned || usual.Idle != usualIdle || usual.Used != usualUsed {
		t.Errorf("the defaults are %+v", usual)
	}
	if got := load("-sessions=1000000", "-bytes", "3e2", "-changes", "0.1", "-owned", "50%", "-idle", "60m", "-replicas", "0"); got != usual {
		t.Errorf("got %+v, want %+v", got, usual)
	}
}

// Without -store there is one object for each store.
func TestSizeJSON(t *testing.T) {
	text := newMemorySite(t).must(append(million, "-json")...)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	kinds := capacity.Stores()
	if len(lines) != len(kinds) {
		t.Fatalf("%d lines for %d stores", len(lines), len(kinds))
	}
	for i, kind := range kinds {
		var got capacity.Estimate
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		want, err := capacity.Of(kind, got.Load)
		if err != nil || !reflect.DeepEqual(&got, want) {
			t.Errorf("got  %+v\nwant %+v, %v", got, want, err)
		}
	}
}

func TestSizeMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no sessions":        {[]string{"size", "-requests", "5"}, "how many sessions?"},
		"no requests":        {[]string{"size", "-sessions", "5"}, "how many requests a second?"},
		"part of a session":  {[]string{"size", "-sessions", "1.5"}, "not a whole number"},
		"negative bytes":     {append(million, "-bytes", "-1"), "not a whole number"},
		"no number":          {[]string{"size", "-sessions", "many"}, "not a whole number"},
		"over 100 %":         {append(million, "-changes", "10"), "not from 0% to 100%"},
		"no share":           {append(million, "-owned", "NaN"), "not from 0% to 100%"},
		"negative requests":  {[]string{"size", "-sessions", "5", "-requests", "-5"}, "not a number"},
		"no idle timeout":    {append(million, "-idle", "0s"), "-idle"},
		"negative use":       {append(million, "-used", "-1s"), "-used"},
		"negative replicas":  {append(million, "-replicas", "-2"), "-replicas"},
		"too few requests":   {[]string{"size", "-sessions", "1e6", "-requests", "300"}, "need 334 requests a second"},
		"no store like this": {append(million, "-store", "paper"), "redis-cluster"},
		"a store over HTTP":  {append(million, "-store", "https://user:secret@host"), "behind the server"},
		"too large":          {append(million, "-store", "dynamodb", "-bytes", "1e6"), "too large"},
	} {
		t.Run(name, func(t *testing.T) { newMemorySite(t).fails(2, tc.says, tc.args...) })
	}
}

// What a store does not take is left out of a comparison.
func TestSizeLeavesOut(t *testing.T) {
	r := newMemorySite(t).run(append(million, "-bytes", "500000")...)
	if r.code != 0 || strings.Contains(r.out, "dynamodb") || !strings.Contains(r.out, "redis") || !strings.Contains(r.errOut, "dynamodb is left out") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errOut)
	}
}

// sizeBlock is a command of docs/scale.md with its output.
var sizeBlock = regexp.MustCompile("(?s)```text\n\\$ holdfast ([^\n]*)\n(.*?)```\n")

// The tables of docs/scale.md are the output of the command. -update writes them.
func TestScalePage(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "scale.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	page := sizeBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		command := sizeBlock.FindStringSubmatch(block)[1]
		return "```text\n$ holdfast " + command + "\n" + newMemorySite(t).must(strings.Fields(command)...) + "```\n"
	})
	if blocks < 4 {
		t.Errorf("the page has %d commands", blocks)
	}
	if page == string(text) {
		return
	}
	if *update {
		err = os.WriteFile(path, []byte(page), 0o644)
	}
	if !*update || err != nil {
		t.Errorf("docs/scale.md does not show what the command prints; go test -run TestScalePage -update writes it: %v", err)
	}
}
