package operate_test

import (
	"context"
	"flag"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
)

var measure = flag.Duration("measure", 0, "log the figures of the dashboard after `so long` without a fault, for docs/operating.md")

// logFigures logs what the dashboard shows.
func logFigures(t *testing.T, m *monitor) {
	d := readDashboard(t)
	vars := strings.NewReplacer("$job", "shop", "$instance", ".+", "$__rate_interval", "1m")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			samples, err := m.query(vars.Replace(target.Expr))
			t.Log(p.Title, samples, err)
		}
	}
}

func TestMain(m *testing.M) { testserver.Main(m) }

func TestAlertsByThemselves(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if output, err := testserver.Promtool(t, files, args...); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
}

// hasty returns the alerts with seconds in place of minutes, and limits that a test reaches.
func hasty(rules string) string {
	rules = regexp.MustCompile(`(\[|offset )(\d+)m`).ReplaceAllString(rules, "${1}${2}s")
	rules = regexp.MustCompile(`(?m)^ +for: \d+m\n`).ReplaceAllString(rules, "")
	for limit, value := range map[string]string{"created_per_second": "1", "purge_age_seconds": "5"} {
		rules = regexp.MustCompile(`(record: holdfast:limit:`+limit+` .*\n +expr: vector)\(\d+\)`).ReplaceAllString(rules, "${1}("+value+")")
	}
	return rules
}

func TestOperate(t *testing.T) {
	a := newApp(t)
	m := newMonitor(t, a, hasty(alertsFile(t)))
	watcher := a.visitor()
	watcher.do("POST /note")
	var visitors sync.WaitGroup
	ctx, leave := context.WithCancel(t.Context())
	defer visitors.Wait()
	defer a.http.CloseClientConnections() // the stream of events
	defer leave()
	visitors.Go(func() { watcher.do("GET /events") })
	for range 2 {
		visitors.Go(func() {
			for ctx.Err() == nil {
				traffic(a)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	if *measure > 0 {
		time.Sleep(*measure)
		logFigures(t, m)
	}

	played := map[string]bool{}
	for _, scene := range scenes {
		played[scene.alert] = true
		began := time.Now()
		storetest.Eventually(t, scene.alert, func() bool {
			scene.play(a)
			annotations, fires := m.alerts()[scene.alert]
			if fires {
				wantLink(t, scene.alert, annotations["runbook_url"])
			}
			return fires
		})
		t.Logf("%s fires after %v", scene.alert, time.Since(began).Round(time.Millisecond))
	}
	a.server.Restart()
	for _, r := range m.rules() {
		if r.Health != "ok" {
			t.Errorf("the rule %s is %s: %s", r.Name, r.Health, r.LastError)
		}
		if strings.HasPrefix(r.Name, "Holdfast") && !played[r.Name] {
			t.Errorf("no scene makes %s fire", r.Name)
		}
	}
	wantData(t, m)
	wantCalm(t, a, m)
}

// wantData wants every query of the dashboard to return data, also without what stands in
// for none.
func wantData(t *testing.T, m *monitor) {
	t.Helper()
	d := readDashboard(t)
	vars := strings.NewReplacer("$job", "shop", "$instance", ".+", "$__rate_interval", "10m", " or vector(0)", "")
	var empty string // of the queries
	storetest.Eventually(t, "the queries of the dashboard return data", func() bool {
		before := empty
		empty = ""
		for title, queries := range d.queries() {
			for _, expr := range queries {
				samples, err := m.query(vars.Replace(expr))
				if err != nil {
					t.Fatalf("%s: %v", title, err)
				}
				if len(samples) == 0 || slices.ContainsFunc(samples, func(s sample) bool { return s.Value[1] == "NaN" }) {
					empty += "\n" + title + ": " + expr
				}
			}
		}
		if len(empty) != len(before) {
			t.Logf("these queries have no data yet:%s", empty)
		}
		return empty == ""
	})
	samples, err := m.query(`topk(1, sum by (http_route) (holdfast_session_conflicts_total{http_route=~"POST.*"}))`)
	if err != nil || len(samples) != 1 || samples[0].Metric["http_route"] != "POST /basket" {
		t.Errorf("the route of most conflicts is %v (%v); want POST /basket", samples, err)
	}
}

// wantCalm wants the alerts to end when all is well again.
func wantCalm(t *testing.T, a *app, m *monitor) {
	t.Helper()
	if _, err := a.store.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	ends := []string{"HoldfastStoreFailing", "HoldfastNotListening", "HoldfastKeysLost", "HoldfastOutcomesUnknown"}
	storetest.Eventually(t, "the alerts end", func() bool {
		firing := m.alerts()
		return !slices.ContainsFunc(ends, func(alert string) bool { _, fires := firing[alert]; return fires })
	})
}

// Each alert has a text that is complete.
func TestAlertsSayWhatToDo(t *testing.T) {
	text := alertsFile(t)
	alerts := regexp.MustCompile(`(?m)^      - alert: (\w+)\n((?:        .*\n)+)`).FindAllStringSubmatch(text, -1)
	names := map[string]bool{}
	for _, found := range alerts {
		name, body := found[1], found[2]
		names[name] = true
		for _, part := range []string{"severity:", "summary:", "description:", "runbook_url:"} {
			if !strings.Contains(body, part) {
				t.Errorf("%s has no %s", name, part)
			}
		}
		link := regexp.MustCompile(`runbook_url: (\S+)`).FindStringSubmatch(body)
		if link == nil {
			continue
		}
		wantLink(t, name, link[1])
		if !strings.HasSuffix(link[1], "#"+strings.ToLower(name)) {
			t.Errorf("%s has the link of another alert: %s", name, link[1])
		}
		if !strings.Contains(read(t, filepath.Join(files, "alerts_test.yaml")), `alertname="`+name+`"`) {
			t.Errorf("alerts_test.yaml does not test %s", name)
		}
	}
	if len(names) != len(scenes) {
		t.Errorf("%d scenes, but the alerts are %q", len(scenes), slices.Sorted(maps.Keys(names)))
	}
}
