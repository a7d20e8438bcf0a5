package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
)

const sample = `date: 2026-01-02
load-before: 0.25
load: 1.5
round: 1
BenchmarkFill/store=Redis-Cluster 1 300.4 data-B/session 100000 expiring 1.35e+06 records 12 sec 1e+06 sessions
BenchmarkSize/store=Redis-Cluster/part=memory 1 2.2e+08 B 200 B/session
BenchmarkVisit/store=Redis-Cluster/route=read/size=small 1 0.001 p50-sec 0.002 p99-sec
BenchmarkVisit/store=Redis-Cluster/route=read/size=large 1 0.002 p50-sec 0.002 p99-sec
round: 2
load: 2.5
BenchmarkVisit/store=Redis-Cluster/route=read/size=small 1 0.01 p50-sec 0.02 p99-sec
BenchmarkVisit/store=Redis-Cluster/route=read/size=large 1 0.02 p50-sec 0.02 p99-sec
BenchmarkJob/store=Redis-Cluster/job=list 1 2.2e+07 RSS-B 10 sec 1e+06 sessions
BenchmarkBeside/store=Redis-Cluster/job=list/route=read/phase=before 1 0.3 max-sec 0.001 p50-sec 0.002 p99-sec
BenchmarkBeside/store=Redis-Cluster/job=list/route=read/phase=during 1 0.4 max-sec 0.003 p50-sec 0.004 p99-sec
BenchmarkJob/store=Redis-Cluster/job=expiry 1 100000 expired 90000 rows 10 sec
BenchmarkRevokeAll/store=Redis-Cluster/size=small 1 0.004 max-sec 0.002 p50-sec
BenchmarkRevokeAll/store=Redis-Cluster/size=large 1 0.005 max-sec 0.003 p50-sec
BenchmarkKill/store=Redis-Cluster/coverage=part 1 10 affected 400 changes 44 failed 2 lost 4 outage-max-sec 3 outage-p50-sec 6 ready-sec 6.5 recovered-sec 1 unknown 30 visitors
`

func TestPage(t *testing.T) {
	read, err := benchfile.Read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	text, err := page("# Scale\n\n## Measured\nlong ago\n", &results{read})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2026-01-02",
		"0.25 before the run, and 1.5 to 2.5, median 2.5 in\nit. Nothing else ran.",
		"| Redis Cluster | 1,000,000 | 100,000 | 1,350,000 | 300 B | 12.0 s |",
		"| Redis Cluster, memory | 200 B | 210 MiB |",
		"| Redis Cluster, read | 5.50 ms | 11.0 ms | 2.00× | 11.0 ms | 11.0 ms | 1.00× |",
		"| Redis Cluster | 10.0 s | 100,000 | 21.0 MiB | – | – |",
		"| Redis Cluster, read | 1.00 ms | 3.00 ms | 2.00 ms | 4.00 ms | 300 ms | 400 ms |",
		"| Redis Cluster, by itself | 100,000 | 90,000 | 10.0 s | 9,000 |",
		"| Redis Cluster | 2.00 ms | 3.00 ms | 4.00 ms | 5.00 ms |",
		"| Redis Cluster, `cluster-require-full-coverage no` | 6.00 s | 6.50 s | 10 of 30 | 3.00 s | 4.00 s | 44 | 1 | 2 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.HasPrefix(text, "# Scale\n\n## Measured\n\n") || strings.Contains(text, "long ago") {
		t.Errorf("the section does not replace the one before it:\n%s", text)
	}
	if broken := regexp.MustCompile(`NaN|Inf|no value`).FindString(text); broken != "" {
		t.Errorf("the page has %q", broken)
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 999: "999", 1234567: "1,230,000", 1350000: "1,350,000"} {
		if got := whole(x); got != want {
			t.Errorf("whole(%v) = %q, want %q", x, got, want)
		}
	}
	for x, want := range map[float64]string{12: "12 B", 2048: "2.00 KiB", 3 << 30: "3.00 GiB"} {
		if got := bytesText(x); got != want {
			t.Errorf("bytesText(%v) = %q, want %q", x, got, want)
		}
	}
}
