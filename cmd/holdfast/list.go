package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// listed is one line of list -json.
type listed struct {
	ID       string            `json:"id"`
	Owner    string            `json:"owner,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Created  time.Time         `json:"created"`
	LastSeen time.Time         `json:"lastSeen"`
	Expires  time.Time         `json:"expires,omitzero"`
	Size     int               `json:"size"`
	Keys     int               `json:"keys"`
}

func newListed(e entry) listed {
	return listed{
		ID:       e.PublicID,
		Owner:    e.Owner,
		Labels:   e.Labels,
		Created:  e.CreatedAt.UTC(),
		LastSeen: e.LastSeenAt.UTC(),
		Expires:  e.Info.ExpiresAt.UTC(),
		Size:     e.size,
		Keys:     len(e.Values),
	}
}

const listRow = "%-43s  %-20s  %-20s  %-20s  %8s  %4s  %s\n"

// list prints each session as it is read, because there may be more than fit into memory.
func list(ctx context.Context, j *job) error {
	if j.limit < 0 {
		return usageError("-limit is negative")
	}
	if err := j.checkSelection(); err != nil {
		return err
	}
	progress := j.watch(j.piped, "records looked at")
	defer progress.stop()
	var n int
	passed := map[session.Kind]int{}
	for e, err := range j.selected(ctx) {
		if err != nil {
			return err
		}
		progress.add(1)
		switch e.kind {
		case session.KindSession:
			if n++; n == 1 {
				j.printHeader()
			}
			if err := j.printListed(newListed(e)); err != nil {
				return err
			}
		case kindSealed, kindMarker, kindUnreadable:
			passed[e.kind]++
		}
		if j.limit > 0 && n == j.limit {
			break
		}
	}
	progress.stop()
	if n == 0 {
		j.printHeader()
	}
	j.tellPassed(passed)
	return nil
}

// tellPassed reports records that may be sessions but were not listed.
func (j *job) tellPassed(passed map[session.Kind]int) {
	if n := passed[kindSealed]; n > 0 {
		fmt.Fprintf(j.stderr, "holdfast: passed over %s that could not be opened; set %s to the keys\n", plural(n, "sealed record"), sealsEnv)
	}
	if n := passed[kindMarker]; n > 0 {
		fmt.Fprintf(j.stderr, "holdfast: passed over %s of a move to another store, which has these sessions\n", plural(n, "marker"))
	}
	if n := passed[kindUnreadable]; n > 0 {
		fmt.Fprintf(j.stderr, "holdfast: passed over %s that could not be read\n", plural(n, "record"))
	}
}

func (j *job) printHeader() {
	if !j.json {
		fmt.Fprintf(j.stdout, listRow, "ID", "CREATED", "LAST SEEN", "EXPIRES", "SIZE", "KEYS", "OWNER")
	}
}

func (j *job) printListed(l listed) error {
	if j.json {
		return j.printJSON(l)
	}
	_, err := fmt.Fprintf(j.stdout, listRow, printable(l.ID), when(l.Created), when(l.LastSeen), when(l.Expires),
		bytesText(int64(l.Size)), fmt.Sprint(l.Keys), cmp.Or(printable(l.Owner), "-"))
	return err
}

// selected yields the records that the flags select.
func (j *job) selected(ctx context.Context) iter.Seq2[entry, error] {
	if !j.selectsSome() {
		return j.entries(ctx, j.prefix)
	}
	return func(yield func(entry, error) bool) {
		publicIDs, err := j.readPublicIDs(ctx)
		if err != nil {
			yield(entry{}, err)
			return
		}
		for _, publicID := range publicIDs {
			if !strings.HasPrefix(publicID, j.prefix) {
				continue
			}
			rec, err := j.store.Fetch(ctx, publicID)
			switch {
			case errors.Is(err, provider.ErrNotFound): // it has just ended
				continue
			case err != nil:
				yield(entry{}, err)
				return
			}
			if !yield(j.look(rec), nil) {
				return
			}
		}
	}
}

func (j *job) readPublicIDs(ctx context.Context) ([]string, error) {
	m, err := j.manager(readOnly{j.store.Provider})
	if err != nil {
		return nil, err
	}
	return j.publicIDs(ctx, m)
}
