package fleet

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// document has a table of each scene between two comments, which -update replaces.
const document = "../../../docs/fleet.md"

// report logs the table of a scene. With -update it writes it to the document.
func (in *installation) report(t *testing.T, sc scene) {
	t.Helper()
	table := in.table(sc.phases)
	t.Logf("%s:\n%s", sc.name, table)
	if *large && *update {
		if err := replaceTable(sc.name, table); err != nil {
			t.Error(err)
		}
	}
}

func replaceTable(name, table string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin := fmt.Sprintf("<!-- %s -->\n", name)
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, "<!-- end -->\n")
	if !found || !closed {
		return fmt.Errorf("%s has no place for the table of %s", document, name)
	}
	return os.WriteFile(document, []byte(before+begin+table+"<!-- end -->\n"+after), 0o644)
}

// row is one of a table. One with zeros only is left out, unless always is set.
type row struct {
	name   string
	always bool
	cell   func(sum *second, seconds, workers int) string
}

var rows = []row{
	{"requests a second", true, perSecond((*second).allRequests)},
	{"calls to the database a second", true, perSecond((*second).allCalls)},
	{"of them: saves of sessions", false, perSecond(func(s *second) int { return s.calls[callSave][kindSession] })},
	{"of them: saves of owner indexes", false, perSecond(func(s *second) int { return s.calls[callSave][kindIndex] })},
	{"conflicts on sessions a second", false, perSecond(func(s *second) int { return s.conflicts[kindSession] })},
	{"conflicts on owner indexes a second", false, perSecond(func(s *second) int { return s.conflicts[kindIndex] })},
	{"calls for the key ring, in all", false, inAll((*second).ringCalls)},
	{"the most of them in a second", false, inAll(func(s *second) int { return s.ringPeak })},
	{"conflicts on the key ring, in all", false, inAll(func(s *second) int { return s.conflicts[kindRing] })},
	{"new connections, in all", false, inAll(func(s *second) int { return s.connects })},
	{"database busy", true, busy},
	{"longest queue at the database", false, inAll(func(s *second) int { return s.queue })},
	{"longest queue for connections of an instance", false, inAll(func(s *second) int { return s.pool })},
	{"time of a request, median", true, quantile(0.5)},
	{"99th percentile", true, quantile(0.99)},
	{"longest", true, quantile(1)},
	{"answered 503, in all", true, inAll(func(s *second) int { return s.requests[unavailable] })},
	{"answered 409, in all", false, inAll(func(s *second) int { return s.requests[conflict] })},
	{"requests of users whose session the database has lost", false, inAll(func(s *second) int { return s.requests[lost] })},
	{"signed out without a reason", true, inAll(func(s *second) int { return s.requests[signedOut] })},
}

func (in *installation) table(phases []phase) string {
	var b strings.Builder
	b.WriteString("| |")
	for _, p := range phases {
		fmt.Fprintf(&b, " %s |", p.name)
	}
	fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---:|", len(phases)))
	for _, r := range rows {
		line, zeros := "| "+r.name+" |", true
		for _, p := range phases {
			sum := in.tally.between(p.from, p.to)
			cell := r.cell(&sum, p.to-p.from, in.workers)
			line += " " + cell + " |"
			zeros = zeros && cell == "0"
		}
		if r.always || !zeros {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func inAll(count func(*second) int) func(*second, int, int) string {
	return func(sum *second, _, _ int) string { return fmt.Sprint(count(sum)) }
}

func perSecond(count func(*second) int) func(*second, int, int) string {
	return func(sum *second, seconds, _ int) string {
		rate := float64(count(sum)) / float64(seconds)
		if rate > 0 && rate < 10 {
			return fmt.Sprintf("%.2g", rate)
		}
		return fmt.Sprintf("%.0f", rate)
	}
}

// busy is the part of the time in which the workers of the database work.
func busy(sum *second, seconds, workers int) string {
	return fmt.Sprintf("%.0f %%", 100*sum.busy.Seconds()/float64(workers*seconds))
}

func quantile(p float64) func(*second, int, int) string {
	return func(sum *second, _, _ int) string {
		switch d := sum.latency.quantile(p); {
		case d >= time.Second:
			return fmt.Sprintf("%.1f s", d.Seconds())
		case d >= 10*time.Millisecond:
			return fmt.Sprintf("%d ms", d.Milliseconds())
		default:
			return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
		}
	}
}
