package admin

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// overview is the data of the page.
type overview struct {
	Estimate estimate
	Begun    uint64
	Ended    uint64
	Ends     []endCount
	Failures uint64

	Conflicts    uint64
	ConflictRate string // of commits
	Merges       uint64
	Replays      uint64

	HasStats bool
	IsEmpty  bool
	Charts   []chart
	Table    []interval

	Checks []check // those that are not fine
	Keys   []session.SigningKey
	KeyErr error
}

// endCount is how many sessions have ended for a reason.
type endCount struct {
	Reason string
	N      uint64
}

// interval is a row of the table of figures: five minutes.
type interval struct {
	From                       time.Time
	Begun, Ended               uint64
	Conflicts, Replays, Errors uint64
	Load, Save                 *histogram
}

const minutesOfInterval = 5

func (h *handler) overview(r *request) {
	now := r.now
	last := h.opts.Stats.lastHour(now)
	o := overview{
		Estimate:  h.estimate.get(r.Context(), h.m),
		Begun:     last.sum(begun),
		Ended:     last.sum(ended),
		Failures:  last.sum(failures),
		Conflicts: last.sum(conflicts),
		Merges:    last.sum(merges),
		Replays:   last.sum(replays),
		HasStats:  h.opts.Stats != nil,
		IsEmpty:   last.isEmpty(),
	}
	o.ConflictRate = percentText(o.Conflicts, last.sum(commits))
	for reason, e := range endReasons {
		if n := last.sum(func(m *minute) uint64 { return uint64(m.ends[reason]) }); n > 0 {
			o.Ends = append(o.Ends, endCount{e.text, n})
		}
	}
	o.Charts = chartsOf(last)
	o.Table = tableOf(last)
	o.Keys, o.KeyErr = h.m.SigningKeys(r.Context())
	for _, c := range checksOf(last, o.Keys, o.KeyErr, h.probe(r), o.HasStats, now) {
		if c.Level != levelFine {
			o.Checks = append(o.Checks, c)
		}
	}
	h.render(r, http.StatusOK, "overview", "Overview", o)
}

// Signing returns the key that signs, or nil.
func (o overview) Signing() *session.SigningKey {
	for i := range o.Keys {
		if o.Keys[i].Signs {
			return &o.Keys[i]
		}
	}
	return nil
}

// tableOf returns the figures by five minutes, the latest first.
func tableOf(h *lastHour) []interval {
	var rows []interval
	for end := hour; end > 0; end -= minutesOfInterval {
		row := interval{From: time.Unix(60*h.minutes[end-minutesOfInterval].unix, 0), Load: new(histogram), Save: new(histogram)}
		for i := end - minutesOfInterval; i < end; i++ {
			m := &h.minutes[i]
			row.Begun += begun(m)
			row.Ended += ended(m)
			row.Conflicts += conflicts(m)
			row.Replays += replays(m)
			row.Errors += failures(m)
			row.Load.merge(&m.loads)
			row.Save.merge(&m.saves)
		}
		rows = append(rows, row)
	}
	return rows
}

// Median returns the median of the durations.
func (h *histogram) Median() time.Duration { return h.quantile(0.5) }

// P99 returns the 99th percentile of the durations.
func (h *histogram) P99() time.Duration { return h.quantile(0.99) }
