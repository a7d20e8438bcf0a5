package operate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	files = "../../adapters/otelholdfast/dashboard"
	guide = "../../docs/operating.md"
	site  = "https://github.com/holdfast-go/holdfast/blob/main/docs/operating.md"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func alertsFile(t *testing.T) string { return read(t, filepath.Join(files, "alerts.yaml")) }

// panel is a panel of the dashboard.
type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	Links                    []struct{ URL string }
	Targets                  []struct{ Expr string }
	GridPos                  struct{ X, Y, W, H int }
}

type dashboard struct {
	Title, UID    string
	SchemaVersion int
	Panels        []panel
	Templating    struct{ List []struct{ Name, Type string } }
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, filepath.Join(files, "holdfast.json"))), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// queries returns the queries of the dashboard by the titles of their panels.
func (d *dashboard) queries() map[string][]string {
	all := map[string][]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], target.Expr)
		}
	}
	return all
}

// instruments are the metrics that otelholdfast makes, by its source.
func instruments(t *testing.T) (names []string) {
	t.Helper()
	sources, err := filepath.Glob("../../adapters/otelholdfast/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, found := range regexp.MustCompile(`meter\.\w+\("(holdfast\.[a-z_.]+)"`).FindAllStringSubmatch(read(t, path), -1) {
			names = append(names, found[1])
		}
	}
	if len(names) < 10 {
		t.Fatalf("found the metrics %q only", names)
	}
	return names
}

// anchors are those of the headings of the guide.
func anchors(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(read(t, guide), -1) {
		slug := strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")
		all[regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(slug, "")] = true
	}
	return all
}

// wantLink checks that a link leads to a section of the guide.
func wantLink(t *testing.T, from, link string) {
	t.Helper()
	if page, anchor, _ := strings.Cut(link, "#"); page != site || !anchors(t)[anchor] {
		t.Errorf("%s: %q leads to no section of docs/operating.md", from, link)
	}
}

func TestDashboardShowsEveryMetric(t *testing.T) {
	text, page := read(t, filepath.Join(files, "holdfast.json")), read(t, guide)
	for _, name := range instruments(t) {
		if !regexp.MustCompile(strings.ReplaceAll(name, ".", "_") + `(_seconds|_bytes|_total|_bucket|_count)*[{ \[]`).MatchString(text) {
			t.Errorf("%s is not on the dashboard", name)
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/operating.md does not name %s", name)
		}
	}
}

func TestDashboardIsComplete(t *testing.T) {
	d := readDashboard(t)
	if d.Title == "" || d.UID == "" || d.SchemaVersion < 39 {
		t.Errorf("the dashboard is %+v", d)
	}
	vars := map[string]string{}
	for _, v := range d.Templating.List {
		vars[v.Name] = v.Type
	}
	if vars["datasource"] != "datasource" || vars["job"] != "query" || vars["instance"] != "query" {
		t.Errorf("the variables are %v", vars)
	}
	ids := map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the ID %d is not unique", p.Title, p.ID)
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s is over %s", p.Title, other.Title)
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || p.Description == "" || len(p.Links) != 1 || len(p.Targets) == 0 {
			t.Errorf("%s lacks a data source that can be chosen, a description, a link or a query", p.Title)
			continue
		}
		wantLink(t, p.Title, p.Links[0].URL)
	}
}
