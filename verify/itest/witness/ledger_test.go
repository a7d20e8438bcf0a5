package witness_test

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
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
			l := witness.NewLedger[string]()
			l.Ack("acked")
			l.Refuse("refused")
			l.Doubt("unknown")
			l.Audit("it", tc.stored)
			switch {
			case tc.want == "" && len(l.Problems()) == 0:
			case tc.want != "" && len(l.Problems()) == 1 && strings.Contains(l.Problems()[0], tc.want):
			default:
				t.Errorf("problems %q, want %q", l.Problems(), tc.want)
			}
		})
	}
}
