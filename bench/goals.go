package main

import (
	"fmt"

	"github.com/holdfast-go/holdfast/bench/internal/table"
)

// A goal is a limit of what the run measures.
type goal struct {
	name    string // of the template's function missed
	text    string
	limit   float64
	atLeast bool // else at most
	measure func(*results) (float64, bool)
	format  func(float64) string
}

const bareContext = "bare-context"

// goals returns the goals of the page.
func goals() []goal {
	goals := []goal{
		{"read", "read, in process", 1.6e-6, false, medianOf(ours, "read", "sec/op"), table.Duration},
		{"read-allocations", "read, in process: allocations", 5, false, medianOf(ours, "read", "allocs/op"), table.Whole},
		{"change", "change, in process", 3e-6, false, medianOf(ours, "change", "sec/op"), table.Duration},
		{"read-change-4KiB", "read-change-4KiB: scs's time to Holdfast's", 6, true, faster("read-change-4KiB", "scs"), table.Times},
		{"read-32-change-1", "read-32-change-1: scs's time to Holdfast's", 8, true, faster("read-32-change-1", "scs"), table.Times},
		{"anonymous-read-scs", "anonymous-read: scs's time to Holdfast's", 1.2, true, faster("anonymous-read", "scs"), table.Times},
		{"anonymous-read-gorilla", "anonymous-read: gorilla's time to Holdfast's", 1.2, true, faster("anonymous-read", "gorilla-cookie"), table.Times},
		{"anonymous-read-allocations", "anonymous-read: allocations beyond those of a value in the context", 0, false, moreAllocations("anonymous-read", bareContext), table.Whole},
		{"visitors", "read by one of 50,000 visitors, to that of one visitor", 1.5, false, manyVisitors(ours), table.Times},
		{"anonymous", "anonymous, to net/http with a value in the context", 1.25, false, slower("anonymous", bareContext), table.Times},
		{"untouched", "untouched, to net/http with a value in the context", 1.25, false, slower("untouched", bareContext), table.Times},
	}
	for _, store := range []struct{ label, text string }{{"redis", "Redis"}, {"postgres", "PostgreSQL"}} {
		goals = append(goals,
			goal{store.label + "-read", store.text + ": read, to the floor with deadlines", 1.1, false, againstPunctual(store.label, "read"), table.Times},
			goal{store.label + "-change", store.text + ": change, to the floor with deadlines", 1.15, false, againstPunctual(store.label, "change"), table.Times},
			goal{store.label + "-saves", store.text + ": saves for each request of 50 parallel writers", 0.2, false, savesOfWriters(store.label), table.Digits},
			goal{store.label + "-writers", store.text + ": time of 50 parallel writers, to that of a series", 1, false, timeOfWriters(store.label), table.Times},
		)
	}
	return append(goals, readCacheGoals()...)
}

// readCacheGoals returns the goals of Config.ReadCache.
func readCacheGoals() (goals []goal) {
	for _, store := range readCacheStores[1:] {
		goals = append(goals, goal{
			store.label + "-copy", store.text + ": read with ReadCache, to a read over memory", 1.5, false,
			func(f *results) (float64, bool) {
				return f.Ratio(readCacheName(store.label), readCacheName("memory"), "sec/op")
			}, table.Times,
		})
	}
	for _, d := range recommended {
		if d.mix == "shopping" && d.instances == 2 {
			goals = append(goals, goal{
				d.goalName(), "A day of a shop with ReadCache, fewer trips: " + d.text(), 90, true,
				func(f *results) (float64, bool) { return f.saved(d) }, percent,
			})
		}
	}
	return goals
}

// goalName returns the name of the goal of a day: day-1, day-5, day-1-alone or day-5-alone.
func (d shopDay) goalName() string {
	name := fmt.Sprint("day-", d.requests)
	if !d.broadcast {
		name += "-alone"
	}
	return name
}

func medianOf(peer, scenario, unit string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) { return f.Median(request("memory", scenario, peer), unit) }
}

func faster(scenario, than string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) {
		return f.Ratio(request("memory", scenario, than), request("memory", scenario, ours), "sec/op")
	}
}

func slower(scenario, than string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) {
		return f.Ratio(request("memory", scenario, ours), request("memory", scenario, than), "sec/op")
	}
}

func moreAllocations(scenario, than string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) {
		return f.Over(request("memory", scenario, ours), request("memory", scenario, than), "allocs/op")
	}
}

func manyVisitors(peer string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) {
		return f.Ratio(visitorsName(manyN, peer), visitorsName("1", peer), "sec/op")
	}
}

func againstPunctual(store, scenario string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) {
		return f.Median("Split/store="+store+"/scenario="+scenario, ours+"-times-punctual-floor")
	}
}

func savesOfWriters(store string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) { return f.Median(writersName(store, "1", "50"), "saves/success") }
}

func timeOfWriters(store string) func(*results) (float64, bool) {
	return func(f *results) (float64, bool) { return f.against(writersName(store, "1", "50")) }
}

// met reports whether a measured goal is met.
func (g goal) met(measured float64) bool {
	if g.atLeast {
		return measured >= g.limit
	}
	return measured <= g.limit
}

func (f *results) goalTable() string {
	var rows [][]string
	for _, g := range goals() {
		measured, ok := g.measure(f)
		verdict := "–"
		switch {
		case ok && g.met(measured):
			verdict = "met"
		case ok:
			verdict = "**missed**"
		}
		bound := "at most "
		if g.atLeast {
			bound = "at least "
		}
		rows = append(rows, []string{g.text, bound + g.format(g.limit), table.Cell(measured, ok, g.format), verdict})
	}
	return table.Markdown([]string{"measured", "goal", "result", ""}, rows)
}

// missed reports whether a goal is measured and missed, for the sentence that says why.
func (f *results) missed(name string) (bool, error) {
	for _, g := range goals() {
		if g.name == name {
			measured, ok := g.measure(f)
			return ok && !g.met(measured), nil
		}
	}
	return false, fmt.Errorf("there is no goal %q", name)
}
