package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// copyStore copies the records of a store to another one, or to or from a backup.
func copyStore(ctx context.Context, j *job) error {
	switch {
	case j.verifies && (j.replaces || j.revives):
		return usageError("-verify changes nothing; it excludes -replace and -revive")
	case j.from == nil:
		return j.restore(ctx)
	case j.to == nil && j.verifies:
		return usageError("-verify needs the backup as -from")
	case j.to == nil:
		return j.backup(ctx)
	}
	if err := j.checkPairOfStores(ctx); err != nil {
		return err
	}
	progress := j.track(j.copyVerb(), 0)
	return j.copyRecords(ctx, j.listFrom(ctx), progress)
}

func (j *job) copyVerb() string {
	if j.verifies {
		return "compared"
	}
	return "copied"
}

// checkPairOfStores returns why nothing can be copied.
func (j *job) checkPairOfStores(ctx context.Context) error {
	if j.verifies {
		return nil // nothing is written
	}
	p, err := migrate.New(j.from.Provider, j.to.Provider, migrate.Options{})
	if err != nil {
		return err
	}
	return j.checkTo(ctx, p, 0)
}

// The formats of the records of package migrate. A reservation counts as absent.
const (
	markerPrefix      = "holdfast-migrate/"
	formatReservation = markerPrefix + "reserved"
)

var errMarkers = errors.New("-from has markers of a migration, which are of use only with the other store; finish the move, and copy the store that it leads to")

// listFrom yields the records of -from.
func (j *job) listFrom(ctx context.Context) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		for rec, err := range provider.List(ctx, j.from.Provider, "") {
			switch {
			case err != nil:
				err = j.explain(err, "-from", j.from)
			case rec.Format == formatReservation:
				continue
			case strings.HasPrefix(rec.Format, markerPrefix):
				err = errMarkers
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// copyRecords copies records to -to, or compares them with it.
func (j *job) copyRecords(ctx context.Context, recs iter.Seq2[*provider.Record, error], progress *progress) error {
	c := copying{to: j.to.Provider, replaces: j.replaces, verifies: j.verifies, progress: progress}
	err := c.run(ctx, j.parallel, recs)
	progress.stop()
	if failed, ok := errors.AsType[toError](err); ok {
		err = j.explain(failed.err, "-to", j.to)
	}
	if j.verifies {
		return j.printCompared(c.counts, err)
	}
	return j.printCopied(c.counts, err)
}

// restore copies the records of a backup.
func (j *job) restore(ctx context.Context) error {
	b, err := j.openBackup()
	if err != nil {
		return err
	}
	defer b.Close()
	if !j.verifies && !j.revives {
		return usageError(fmt.Sprintf("the backup is of %s; sessions that have been ended since then would be open again; "+
			"give -revive to restore it all the same, and end them with holdfast revoke afterwards", when(b.header.Created)))
	}
	total, err := b.check(ctx, j.track("checked", 0))
	if err != nil {
		return err
	}
	return j.copyRecords(ctx, b.records(ctx), j.track(j.copyVerb(), total))
}
