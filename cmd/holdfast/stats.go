package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// amount counts records and the bytes of their data.
type amount struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
}

func (a amount) plus(size int) amount { return amount{a.Records + 1, a.Bytes + int64(size)} }

// large is one of the largest sessions.
type large struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
}

// census is the output of stats -json.
type census struct {
	amount
	Kinds   map[session.Kind]amount `json:"kinds"`
	Formats map[string]amount       `json:"formats"`

	// These fields count sessions only.
	Owners   int            `json:"owners"`
	Unowned  int64          `json:"unowned"`
	Ages     map[span]int64 `json:"ages"`     // since their creation, each session once
	Expiring map[span]int64 `json:"expiring"` // within; those within 1h are within 1d as well
	Largest  []large        `json:"largest"`

	at     time.Time
	seed   maphash.Seed
	owners map[uint64]struct{} // hashes, since there may be millions
}

// span names a range of time.
type span string

const (
	hour  span = "1h"
	day   span = "1d"
	week  span = "7d"
	month span = "30d"
	older span = "older"
)

// spans are in ascending order.
var spans = []struct {
	span
	time.Duration
}{{hour, time.Hour}, {day, 24 * time.Hour}, {week, 7 * 24 * time.Hour}, {month, 30 * 24 * time.Hour}}

func newCensus(at time.Time) *census {
	return &census{
		Kinds:    map[session.Kind]amount{},
		Formats:  map[string]amount{},
		Ages:     map[span]int64{hour: 0, day: 0, week: 0, month: 0, older: 0},
		Expiring: map[span]int64{hour: 0, day: 0},
		Largest:  []large{},

		at:     at,
		seed:   maphash.MakeSeed(),
		owners: map[uint64]struct{}{},
	}
}

func (c *census) count(e entry) {
	c.amount = c.plus(e.size)
	c.Kinds[e.kind] = c.Kinds[e.kind].plus(e.size)
	c.Formats[e.Format] = c.Formats[e.Format].plus(e.size)
	if e.kind != session.KindSession {
		return
	}
	if e.Owner == "" {
		c.Unowned++
	} else {
		c.owners[maphash.String(c.seed, e.Owner)] = struct{}{}
		c.Owners = len(c.owners)
	}
	c.Ages[spanOf(c.at.Sub(e.CreatedAt))]++
	for _, within := range spans[:2] {
		if at := e.Info.ExpiresAt; !at.IsZero() && at.Sub(c.at) <= within.Duration {
			c.Expiring[within.span]++
		}
	}
	c.rank(large{e.ID, e.size})
}

func spanOf(d time.Duration) span {
	for _, s := range spans {
		if d < s.Duration {
			return s.span
		}
	}
	return older
}

const largestShown = 5

func (c *census) rank(l large) {
	if slices.Contains(c.Largest, l) { // a record may be listed twice
		return
	}
	c.Largest = append(c.Largest, l)
	slices.SortStableFunc(c.Largest, func(a, b large) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.ID, b.ID))
	})
	c.Largest = c.Largest[:min(len(c.Largest), largestShown)]
}

// stats counts all records.
func stats(ctx context.Context, j *job) error {
	c := newCensus(time.Now())
	progress := j.watch(true, "records counted")
	defer progress.stop()
	for e, err := range j.entries(ctx, "") {
		if err != nil {
			return err
		}
		c.count(e)
		progress.add(1)
	}
	progress.stop()
	if j.json {
		return j.printJSON(c)
	}
	_, err := fmt.Fprint(j.stdout, c)
	return err
}

func (c *census) String() string {
	var b strings.Builder
	row := func(name string, a amount) { fmt.Fprintf(&b, "%-24s %10d %12s\n", name, a.Records, bytesText(a.Bytes)) }
	count := func(name string, n int64) { fmt.Fprintf(&b, "%-24s %10d\n", name, n) }
	row("records", c.amount)
	for _, kind := range slices.Sorted(maps.Keys(c.Kinds)) {
		row("  "+string(kind), c.Kinds[kind])
	}
	b.WriteString("formats\n")
	for _, format := range slices.Sorted(maps.Keys(c.Formats)) {
		row("  "+printable(format), c.Formats[format])
	}
	b.WriteString("sessions\n")
	count("  owners", int64(c.Owners))
	count("  of no owner", c.Unowned)
	count("  expire within 1 hour", c.Expiring[hour])
	count("  expire within 1 day", c.Expiring[day])
	count("  begun in the last hour", c.Ages[hour])
	count("  before, within 1 day", c.Ages[day])
	count("  before, within 7 days", c.Ages[week])
	count("  before, within 30 days", c.Ages[month])
	count("  before that", c.Ages[older])
	if len(c.Largest) > 0 {
		b.WriteString("largest sessions\n")
	}
	for _, l := range c.Largest {
		fmt.Fprintf(&b, "  %-43s %12s\n", printable(l.ID), bytesText(int64(l.Size)))
	}
	return b.String()
}
