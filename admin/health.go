package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// level is the result of a check.
type level string

const (
	levelFine    level = "fine"
	levelWatch   level = "watch" // it may need attention
	levelProblem level = "problem"
)

// The limits above which a check is not fine.
const (
	slowProbe       = 250 * time.Millisecond // of one read
	watchedConflict = 0.01                   // of commits
	manyConflicts   = 0.05
	minCommits      = 100 // before the part of conflicts counts
	watchedFailures = 1
	manyFailures    = 0.01                // of operations
	oldKey          = 60 * 24 * time.Hour // twice the default of Config.SigningKeyRotation
	keyAhead        = time.Hour           // more is a wrong clock
)

// check is one line of the page Health.
type check struct {
	Level  level
	Name   string
	Found  string
	Advice string // "": none
}

// healthBody is the data of the page.
type healthBody struct {
	Checks   []check
	Problems []problemRow
	HasStats bool
}

// problemRow is a recent problem on the page.
type problemRow struct {
	At       time.Time
	Op       session.Op
	Outcome  session.Outcome
	PublicID string
	Text     string
}

func (h *handler) health(r *request) {
	last := h.opts.Stats.lastHour(r.now)
	keys, err := h.m.SigningKeys(r.Context())
	b := healthBody{
		Checks:   checksOf(last, keys, err, h.probe(r), h.opts.Stats != nil, r.now),
		HasStats: h.opts.Stats != nil,
	}
	for _, p := range last.problems {
		text := p.err.Error()
		if p.key != "" {
			text = "key " + p.key + ": " + text
		}
		b.Problems = append(b.Problems, problemRow{p.at, p.op, p.outcome, p.publicID, visible(text)})
	}
	h.render(r, http.StatusOK, "health", "Health", b)
}

// probe is the result of one read of the store.
type probe struct {
	took time.Duration
	err  error
}

// probeID is a public ID that no record has.
const probeID = "holdfast-admin-probe"

// probe reads a record that is absent.
func (h *handler) probe(r *request) probe {
	begun := time.Now()
	_, err := h.m.Inspect(r.Context(), probeID)
	if errors.Is(err, session.ErrEnded) {
		err = nil
	}
	return probe{time.Since(begun), err}
}

// checksOf returns all checks in the order of the page.
func checksOf(h *lastHour, keys []session.SigningKey, keyErr error, p probe, hasStats bool, now time.Time) []check {
	checks := []check{checkStore(p), checkKeys(keys, keyErr, now)}
	if !hasStats {
		return checks
	}
	return append(checks, checkFailures(h), checkUnknown(h), checkConflicts(h), checkUnreadable(h), checkRefused(h))
}

func checkStore(p probe) check {
	c := check{Level: levelFine, Name: "Store", Found: "answers in " + latencyText(p.took)}
	switch {
	case p.err != nil:
		c.Level, c.Found = levelProblem, p.err.Error()
		c.Advice = "Requests with a session are answered 503. Look at the store, the network and the connection pool."
	case p.took > slowProbe:
		c.Level, c.Advice = levelWatch, "One read took long. Look at the load of the store and at the connection pool."
	}
	return c
}

func checkKeys(keys []session.SigningKey, err error, now time.Time) check {
	c := check{Level: levelFine, Name: "Signing keys", Found: pluralText(len(keys), "key")}
	switch {
	case err != nil:
		c.Level, c.Found = levelProblem, err.Error()
		c.Advice = "Without keys no cookie can be verified. If the ring is damaged, restore it from a backup."
		return c
	case len(keys) == 0:
		c.Found = "none yet; the first session creates the ring"
		return c
	}
	for _, k := range keys {
		switch age := now.Sub(k.From); {
		case k.InRing && age < -keyAhead:
			c.Level, c.Found = levelWatch, "a key is dated "+durationText(-age)+" ahead"
			c.Advice = "The clock of an instance is or was wrong. Synchronize the clocks."
		case k.InRing && k.Signs && age > oldKey:
			c.Level, c.Found = levelWatch, "the key that signs is "+durationText(age)+" old"
			c.Advice = "It was not rotated, because no session began for long, or because saves of the ring fail: see the log."
		}
	}
	return c
}

func checkFailures(h *lastHour) check {
	n, all := h.sum(failures), h.sum(operations)
	c := check{Level: levelFine, Name: "Store failures", Found: countText(n) + " of " + countText(all) + " failed"}
	switch {
	case n >= watchedFailures && float64(n) > manyFailures*float64(all):
		c.Level, c.Advice = levelProblem, "Their requests were answered 503. The latest errors on the page Health have the store’s messages."
	case n >= watchedFailures:
		c.Level, c.Advice = levelWatch, "Some requests were answered 503. The latest errors on the page Health have the store’s messages."
	}
	return c
}

func checkUnknown(h *lastHour) check {
	return checkOutcome(h, outcomeUnknown, " saves", check{
		Level: levelWatch, Name: "Unknown outcomes",
		Advice: "The store failed during these saves and while they were read back. The change may have been made.",
	})
}

func checkConflicts(h *lastHour) check {
	n, all := h.sum(conflicts), h.sum(commits)
	c := check{
		Level: levelFine, Name: "Conflicts",
		Found: fmt.Sprintf("%s of %s commits (%s); %s were merged, %s handlers ran again",
			countText(n), countText(all), percentText(n, all), countText(h.sum(merges)), countText(h.sum(replays))),
	}
	if all < minCommits {
		return c
	}
	part := float64(n) / float64(all)
	if part > watchedConflict {
		c.Level, c.Advice = levelWatch, "Handlers read and then set a key that others change at the same time. The latest errors on the page Health name the keys: change them by Key.Update, or use HandlerFunc, which runs the handler again."
	}
	if part > manyConflicts {
		c.Level = levelProblem
	}
	return c
}

func checkUnreadable(h *lastHour) check {
	return checkOutcome(h, outcomeUnreadable, " reads", check{
		Level: levelProblem, Name: "Unreadable records and values",
		Advice: "A value has another type than its key, a codec or a key of provider/sealed is missing, or a record is damaged. Values that do not decode are read as absent: give the key an Upgrade.",
	})
}

func checkRefused(h *lastHour) check {
	return checkOutcome(h, outcomeRefused, " commits", check{
		Level: levelWatch, Name: "Refused changes",
		Advice: "A session was larger than Config.MaxSize, an owner or a label had too many sessions, a value could not be encoded, or a change came after the header. The latest errors on the page Health say which.",
	})
}

// checkOutcome returns c if an operation had that outcome, and otherwise that all is fine.
func checkOutcome(h *lastHour, outcome int, counted string, c check) check {
	n := h.sum(func(m *minute) uint64 { return ofAll(m, outcome) })
	c.Found = countText(n) + counted
	if n == 0 {
		c.Level, c.Advice = levelFine, ""
	}
	return c
}
