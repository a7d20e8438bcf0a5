package faults_test

import (
	"strings"
	"testing"
)

func TestLedgerFindsWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		stored []string
		want   string // in the only problem; "": there is none
	}{
		{"all as told", []string{"acked"}, ""},
		{"unknown has landed", []string{"acked", "unknown"}, ""},
		{"acknowledged is missing", nil, "lost acked"},
		{"denied is there", []string{"acked", "refused"}, "denied"},
		{"twice", []string{"acked", "acked"}, "2 times"},
		{"unknown twice", []string{"acked", "unknown", "unknown"}, "2 times"},
		{"never sent", []string{"acked", "ghost"}, "nobody"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			l := newLedger[string]()
			l.ack("acked")
			l.refuse("refused")
			l.doubt("unknown")
			l.audit("it", tc.stored)
			switch {
			case tc.want == "" && len(l.problems) == 0:
			case tc.want != "" && len(l.problems) == 1 && strings.Contains(l.problems[0], tc.want):
			default:
				t.Errorf("problems %q, want %q", l.problems, tc.want)
			}
		})
	}
}

func TestChainFindsTornRecords(t *testing.T) {
	whole := chain{1, 2}.grow("id", 3)
	if c, err := chainOf(whole); err != nil || len(c) != 3 {
		t.Fatalf("chain %v, %v", c, err)
	}
	for name, tear := range map[string]func(){
		"bytes of another": func() { whole.Data[3] ^= 1 },
		"too short":        func() { whole.Data = whole.Data[:len(whole.Data)-8] },
		"empty":            func() { whole.Data = nil },
		"version":          func() { whole.Version = 2 },
		"format":           func() { whole.Format = "" },
	} {
		t.Run(name, func(t *testing.T) {
			whole = chain{1, 2}.grow("id", 3)
			tear()
			if _, err := chainOf(whole); err == nil {
				t.Error("is taken for whole")
			}
		})
	}
}
