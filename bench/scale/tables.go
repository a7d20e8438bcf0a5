package main

import (
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/bench/internal/table"
)

var titles = map[string]string{
	"Redis-Cluster":   "Redis Cluster",
	"memory":          "memory",
	"replicas-memory": "memory of the replicas",
	"RSS":             "memory by the system's count (RSS)",
	"AOF":             "disk: append-only file",
	"file":            "disk: file with its index",
	"table":           "disk: table",
	"index":           "disk: index",
	"WAL":             "disk: write-ahead log",
	"purge":           "`holdfast purge`",
	"expiry":          "by itself",
	"hastened-expiry": "`active-expire-effort 10`",
	"copy":            "`holdfast copy`",
	"own-backup":      "its own backup",
}

func title(name string) string {
	if t, ok := titles[name]; ok {
		return t
	}
	return name
}

// stores returns the stores that were measured.
func (f *results) stores() []string { return f.Labels("Fill", "store") }

// rate formats how many of something were done in a second.
func (f *results) rate(name, unit string) string {
	n, ok := f.Median(name, unit)
	seconds, _ := f.Median(name, "sec")
	return table.Cell(n/seconds, ok && seconds > 0, thousands)
}

// thousands formats a number with three digits and separators.
func thousands(x float64) string {
	text := fmt.Sprintf("%.0f", round(x))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// round rounds a number to three digits.
func round(x float64) float64 {
	step := 1.0
	for x/step >= 1000 {
		step *= 10
	}
	return float64(int64(x/step+0.5)) * step
}

// bytesText formats a size with three digits.
func bytesText(x float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if x >= unit.size {
			return table.Digits(x/unit.size) + " " + unit.name
		}
	}
	return table.Whole(x) + " B"
}

// whole formats a number without a fraction, with separators.
func whole(x float64) string {
	if x < 1000 {
		return table.Whole(x)
	}
	return thousands(x)
}

// eachStore returns a table with one row for each store.
func (f *results) eachStore(header []string, row func(store string) []string) string {
	var rows [][]string
	for _, store := range f.stores() {
		if cells := row(store); cells != nil {
			rows = append(rows, append([]string{title(store)}, cells...))
		}
	}
	return table.Markdown(append([]string{"store"}, header...), rows)
}

func (f *results) fillTable() string {
	return f.eachStore([]string{"sessions", "expired in addition", "records", "data of a session", "filled in"}, func(store string) []string {
		name := "Fill/store=" + store
		return []string{
			f.Show(name, "sessions", whole), f.Show(name, "expiring", whole), f.Show(name, "records", whole),
			f.Show(name, "data-B/session", bytesText), f.Show(name, "sec", table.Duration),
		}
	})
}

// sizeTable shows what a session takes in each part of each store.
func (f *results) sizeTable() string {
	var rows [][]string
	for _, store := range f.stores() {
		for _, part := range f.Labels("Size/store="+store, "part") {
			name := "Size/store=" + store + "/part=" + part
			rows = append(rows, []string{
				title(store) + ", " + title(part), f.Show(name, "B/session", bytesText), f.Show(name, "B", bytesText),
			})
		}
	}
	return table.Markdown([]string{"store, where", "a session", "all"}, rows)
}

func (f *results) visitTable() string {
	var rows [][]string
	for _, store := range f.stores() {
		for _, route := range []string{"read", "change"} {
			small := "Visit/store=" + store + "/route=" + route + "/size=small"
			large := strings.Replace(small, "small", "large", 1)
			row := []string{title(store) + ", " + route}
			for _, unit := range []string{"p50-sec", "p99-sec"} {
				ratio, ok := f.Ratio(large, small, unit)
				row = append(row, f.Show(small, unit, table.Duration), f.Show(large, unit, table.Duration), table.Cell(ratio, ok, table.Times))
			}
			rows = append(rows, row)
		}
	}
	return table.Markdown([]string{
		"store, request", "median of 1,000", "of all", "ratio", "99th percentile of 1,000", "of all", "ratio",
	}, rows)
}

// besideTable shows what visitors notice of a job.
func (f *results) besideTable(jobs ...string) string {
	var rows [][]string
	for _, store := range f.stores() {
		for _, job := range jobs {
			for _, route := range []string{"read", "change"} {
				name := "Beside/store=" + store + "/job=" + job + "/route=" + route + "/phase="
				if _, ok := f.Median(name+"during", "p50-sec"); !ok {
					continue
				}
				row := []string{title(store) + ", " + route}
				if len(jobs) > 1 {
					row[0] += ", " + title(job)
				}
				for _, unit := range []string{"p50-sec", "p99-sec", "max-sec"} {
					row = append(row, f.Show(name+"before", unit, table.Duration), f.Show(name+"during", unit, table.Duration))
				}
				rows = append(rows, row)
			}
		}
	}
	return table.Markdown([]string{
		"store, request", "median before", "during", "99th percentile before", "during", "longest before", "during",
	}, rows)
}

func (f *results) listTable() string {
	return f.eachStore([]string{"all of them", "sessions a second", "memory of holdfast list", "admin page: overview", "first page of sessions"}, func(store string) []string {
		name, page := "Job/store="+store+"/job=list", "Admin/store="+store+"/page="
		return []string{
			f.Show(name, "sec", table.Duration), f.rate(name, "sessions"), f.Show(name, "RSS-B", bytesText),
			f.Show(page+"overview", "sec", table.Duration), f.Show(page+"sessions", "sec", table.Duration),
		}
	})
}

func (f *results) backupTable() string {
	return f.eachStore([]string{"holdfast copy", "bytes a session", "memory", "the store's own", "bytes a session"}, func(store string) []string {
		name := "Job/store=" + store + "/job="
		return []string{
			f.Show(name+"copy", "sec", table.Duration), f.Show(name+"copy", "B/session", bytesText), f.Show(name+"copy", "RSS-B", bytesText),
			f.Show(name+"own-backup", "sec", table.Duration), f.Show(name+"own-backup", "B/session", bytesText),
		}
	})
}

func (f *results) removalTable() string {
	var rows [][]string
	for _, store := range f.stores() {
		for _, job := range []string{"purge", "expiry", "hastened-expiry"} {
			name := "Job/store=" + store + "/job=" + job
			if _, ok := f.Median(name, "rows"); ok {
				rows = append(rows, []string{
					title(store) + ", " + title(job), f.Show(name, "expired", whole), f.Show(name, "rows", whole), f.Show(name, "sec", table.Duration), f.rate(name, "rows"),
				})
			}
		}
	}
	return table.Markdown([]string{"store", "expired", "removed", "in", "a second"}, rows)
}

func (f *results) revokeTable() string {
	return f.eachStore([]string{"median among 1,000", "among all", "longest among 1,000", "among all"}, func(store string) []string {
		name := "RevokeAll/store=" + store + "/size="
		return []string{
			f.Show(name+"small", "p50-sec", table.Duration), f.Show(name+"large", "p50-sec", table.Duration),
			f.Show(name+"small", "max-sec", table.Duration), f.Show(name+"large", "max-sec", table.Duration),
		}
	})
}

func (f *results) killTable() string {
	var rows [][]string
	for _, store := range f.stores() {
		name := "Kill/store=" + store
		for _, kill := range []struct{ labels, setting string }{
			{"", ""}, {"/coverage=full", ""}, {"/coverage=part", ", `cluster-require-full-coverage no`"},
		} {
			if row := f.killed(name + kill.labels); row != nil {
				rows = append(rows, append([]string{title(store) + kill.setting}, row...))
			}
		}
	}
	return table.Markdown([]string{
		"store", "ready after", "last failed answer after", "visitors affected", "for, median", "longest", "answered 503", "unknown outcome", "acknowledged changes lost",
	}, rows)
}

// killed returns what visitors have seen of the end of a server, or nil.
func (f *results) killed(name string) []string {
	affected, ok := f.Median(name, "affected")
	if !ok {
		return nil
	}
	visitors, _ := f.Median(name, "visitors")
	return []string{
		f.Show(name, "ready-sec", table.Duration), f.Show(name, "recovered-sec", table.Duration),
		fmt.Sprintf("%.0f of %.0f", affected, visitors),
		f.Show(name, "outage-p50-sec", table.Duration), f.Show(name, "outage-max-sec", table.Duration),
		f.Show(name, "failed", whole), f.Show(name, "unknown", whole), f.Show(name, "lost", whole),
	}
}
