package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/provider/migrate"
)

// moved is the output of move -json.
type moved struct {
	Moved       int64 `json:"moved"`
	Gone        int64 `json:"gone"`
	Changed     int64 `json:"changed"`
	Left        int64 `json:"left"`
	TooLarge    int64 `json:"tooLarge"`
	InBoth      int64 `json:"inBoth"`
	Unversioned int64 `json:"unversioned"`
	Damaged     int64 `json:"damaged"`
	Failed      int64 `json:"failed"`
	Complete    bool  `json:"complete"`
}

func newMoved(r migrate.Report, complete bool) moved {
	return moved{r.Moved, r.Gone, r.Changed, r.Left(), r.TooLarge, r.InBoth, r.Unversioned, r.Unreadable, r.Failed, complete}
}

const isComplete = "complete: -from has no record that is not moved.\n" +
	"If no instance is in the phase Prepare, the next instances may run on -to alone,\n" +
	"from two minutes after the end of the move on.\n"

// isFinal reports whether another run would move nothing either: all records that are left
// have been refused, and for reasons that stay.
func isFinal(r migrate.Report, err error) bool {
	return errors.Is(err, migrate.ErrLeft) && r.Failed == 0
}

const (
	goesOn      = "not complete: run holdfast move again; it goes on with what is left.\n"
	doesNotMove = "not complete: what is left cannot be moved as it is, also by another run.\n" +
		"It can be used as before. Remove the reasons, or run holdfast move again when these sessions have ended.\n"
)

func (j *job) printMoved(m moved, final bool) error {
	if j.json {
		return j.printJSON(m)
	}
	var rows rows
	rows.add("moved", m.Moved)
	rows.add("gone before it was their turn", m.Gone)
	rows.add("changed meanwhile, tried again", m.Changed)
	rows.add("not moved", m.Left)
	rows.addSome("  too large", m.TooLarge)
	rows.addSome("  another in -to", m.InBoth)
	rows.addSome("  without a positive version", m.Unversioned)
	rows.addSome("  damaged markers", m.Damaged)
	rows.addSome("  other errors", m.Failed)
	switch {
	case m.Complete:
		rows.b.WriteString(isComplete)
	case final:
		rows.b.WriteString(doesNotMove)
	default:
		rows.b.WriteString(goesOn)
	}
	return j.print(&rows)
}

// tried is the output of move -dry-run -json.
type tried struct {
	Left        int64 `json:"left"`
	Bytes       int64 `json:"bytes"`
	Largest     int   `json:"largest"`
	Marked      int64 `json:"marked"`
	Refused     int64 `json:"refused"`
	TooLarge    int64 `json:"tooLarge"`
	Limit       int   `json:"limit,omitempty"` // of -to, if a record exceeds it
	InBoth      int64 `json:"inBoth"`
	Unversioned int64 `json:"unversioned"`
	Damaged     int64 `json:"damaged"`
}

func newTried(c migrate.Comparison, limit int) tried {
	t := tried{
		Left: c.Left, Bytes: c.Bytes, Largest: c.Largest, Marked: c.Marked,
		TooLarge: c.Larger, InBoth: c.Differ, Unversioned: c.Unversioned, Damaged: c.Damaged,
	}
	t.Refused = t.TooLarge + t.InBoth + t.Unversioned + t.Damaged
	if t.TooLarge > 0 && limit < c.Largest {
		t.Limit = limit
	}
	return t
}

func (j *job) printTried(t tried) error {
	err := error(nil)
	if t.Refused > 0 {
		err = fmt.Errorf("%s would be refused", plural(int(t.Refused), "record"))
	}
	if j.json {
		return errors.Join(j.printJSON(t), err)
	}
	var rows rows
	rows.add("to be moved", t.Left)
	fmt.Fprintf(&rows.b, "%-32s %10s\n", "  bytes", bytesText(t.Bytes))
	fmt.Fprintf(&rows.b, "%-32s %10s\n", "  the largest", bytesText(int64(t.Largest)))
	rows.add("moved or created before", t.Marked)
	rows.add("would be refused", t.Refused)
	if t.Limit > 0 {
		rows.add(fmt.Sprintf("  too large: over %s", bytesText(int64(t.Limit))), t.TooLarge)
	} else {
		rows.addSome("  too large for -from's marker", t.TooLarge)
	}
	rows.addSome("  another in -to", t.InBoth)
	rows.addSome("  without a positive version", t.Unversioned)
	rows.addSome("  damaged markers", t.Damaged)
	return errors.Join(j.print(&rows), err)
}

// verified is the output of move -verify -json.
type verified struct {
	Left     int64 `json:"left"`
	Moving   int64 `json:"moving"`
	Missing  int64 `json:"missing"`
	Same     int64 `json:"same"`
	Differ   int64 `json:"differ"`
	Damaged  int64 `json:"damaged"`
	Marked   int64 `json:"marked"`
	Ended    int64 `json:"ended"`
	Complete bool  `json:"complete"`
}

func newVerified(c migrate.Comparison) verified {
	return verified{c.Left, c.Moving, c.Missing, c.Same, c.Differ, c.Damaged, c.Marked, c.Ended, c.Complete()}
}

func (j *job) printVerified(v verified) error {
	err := error(nil)
	if !v.Complete {
		err = fmt.Errorf("not complete: %s not moved; run holdfast move", ofFrom(v.Left))
	}
	if v.Differ > 0 {
		err = fmt.Errorf("not complete: %s not moved; -to has other versions of %d, which must be deleted from the store where they are not valid, before holdfast move is run again", ofFrom(v.Left), v.Differ)
	}
	if j.json {
		return errors.Join(j.printJSON(v), err)
	}
	var rows rows
	rows.add("not moved", v.Left)
	rows.addSome("  not in -to", v.Missing)
	rows.addSome("  the same in -to, as a copy", v.Same)
	rows.addSome("  another in -to", v.Differ)
	rows.addSome("  being moved", v.Moving)
	rows.addSome("  damaged markers", v.Damaged)
	rows.add("moved, or created in -to", v.Marked)
	rows.add("  in -to", v.Marked-v.Ended)
	rows.add("  ended since", v.Ended)
	if v.Complete {
		rows.b.WriteString(isComplete)
	}
	return errors.Join(j.print(&rows), err)
}

// rows is a table of counts.
type rows struct{ b strings.Builder }

func (r *rows) add(name string, n int64) { fmt.Fprintf(&r.b, "%-32s %10d\n", name, n) }

// addSome adds a row unless n is 0.
func (r *rows) addSome(name string, n int64) {
	if n != 0 {
		r.add(name, n)
	}
}

func (j *job) print(r *rows) error {
	_, err := fmt.Fprint(j.stdout, r.b.String())
	return err
}

// ofFrom begins a sentence about n records.
func ofFrom(n int64) string {
	if n == 1 {
		return "1 record of -from is"
	}
	return fmt.Sprintf("%d records of -from are", n)
}
