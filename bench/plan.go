package main

import (
	"regexp"
	"strings"
)

// A group of benchmarks is run together, once in each of its rounds.
type group struct {
	name   string
	bench  string // -bench
	time   string // -benchtime
	rounds int
}

// These groups are no benchmarks: writeProfile runs the first, and the second is a test.
const (
	profileGroup = "profile"
	dayGroup     = "day"
)

var quick = []group{
	{"requests", "^BenchmarkRequest$", "100ms", 6},
	{profileGroup, "", "", 1},
	{"split", "^Benchmark(Split|Compute)$", "100ms", 6},
	{"visitors", "^BenchmarkVisitors$", "100ms", 4},
	{"cookie", "^BenchmarkCookie$", "100ms", 6},
	{"stores", "^BenchmarkStore$", "200x", 4},
	{"sizes", "^BenchmarkStoreSize$", "1x", 1},
	{"dynamodb", "^BenchmarkDynamoDB$", "20x", 1},
	{"keys", "^BenchmarkKeys$", "50ms", 3},
	{"signing", "^BenchmarkSigningKeys$", "100ms", 6},
	{"readcache", "^BenchmarkReadCache$", "100ms", 6},
	{dayGroup, "", "", 1},
	{"writers", "^BenchmarkWriters$", "10x", 3},
	{"sessions", "^BenchmarkSessions$", "200ms", 2},
	{"sweep", "^BenchmarkSweep$", "1x", 2},
	{"server", "^BenchmarkServer$", "1x", 3},
	{"outage", "^BenchmarkOutage$", "1x", 1},
}

// longer is the factor by which a long run has more and longer rounds.
const longer = 2

func plan(long bool, only *regexp.Regexp) (groups []group) {
	for _, g := range quick {
		if !only.MatchString(g.name) {
			continue
		}
		if long {
			g.rounds *= longer
			g.time = strings.Replace(g.time, "00ms", "000ms", 1)
		}
		groups = append(groups, g)
	}
	return groups
}

func groupNames() string {
	var names []string
	for _, g := range quick {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}
