package main

import (
	"strings"
	"testing"
	"time"
)

const output = `=== RUN   TestFast
--- PASS: TestFast (0.10s)
=== RUN   TestSlow
    --- PASS: TestSlow/part (9.00s)
--- FAIL: TestSlow (9.50s)
FAIL
FAIL	github.com/holdfast-go/holdfast/session	10.125s
ok  	github.com/holdfast-go/holdfast/provider	(cached)
?   	github.com/holdfast-go/holdfast/internal/x	[no test files]
--- PASS: TestOther (0.50s)
PASS
ok  	github.com/holdfast-go/holdfast/provider/memory	12.000s
`

func TestTable(t *testing.T) {
	packages, err := parse(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := writeTable(&b, packages, time.Second); err != nil {
		t.Fatal(err)
	}
	want := `| package | seconds | slowest test | seconds |
|---|--:|---|--:|
| provider/memory | 12 | TestOther | 0 |
| session | 10 | TestSlow | 10 |
| 1 others | 0 | | |
| sum | 22 | | |
`
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNoFile(t *testing.T) {
	if _, err := read("none.log"); err == nil || !strings.Contains(err.Error(), "make test") {
		t.Errorf("got error %v, want one that names make test", err)
	}
}
