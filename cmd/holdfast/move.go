package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// move moves the records of a store to another one, or does what a flag says instead.
func move(ctx context.Context, j *job) error {
	modes := 0
	for _, chosen := range []bool{j.dryRun, j.verifies, j.cleans} {
		if chosen {
			modes++
		}
	}
	if modes > 1 {
		return usageError("-dry-run, -verify and -clean exclude each other")
	}
	p, err := migrate.New(j.from.Provider, j.to.Provider, migrate.Options{})
	if err != nil {
		return err
	}
	switch {
	case j.dryRun:
		return j.tryMove(ctx, p)
	case j.verifies:
		return j.verifyMove(ctx, p)
	case j.cleans:
		return j.cleanMove(ctx, p)
	}
	return j.moveAll(ctx, p)
}

// checkTo returns why nothing could be moved.
func (j *job) checkTo(ctx context.Context, p *migrate.Provider, size int) error {
	if err := p.Probe(ctx, size); err != nil {
		return j.explain(err, "-to", j.to)
	}
	return nil
}

// countLeft returns the number of records that are to be moved.
func (j *job) countLeft(ctx context.Context, p *migrate.Provider) (migrate.Status, error) {
	progress := j.watch(true, "counting")
	defer progress.stop()
	status, err := p.Status(ctx)
	if err != nil {
		err = j.explain(err, "-from", j.from)
	}
	return status, err
}

func (j *job) moveAll(ctx context.Context, p *migrate.Provider) error {
	if err := j.ask(ctx, "Is every instance of the program in the phase Move of package migrate, or stopped?"); err != nil {
		return err
	}
	if err := j.checkTo(ctx, p, 0); err != nil {
		return err
	}
	before, err := j.countLeft(ctx, p)
	if err != nil {
		return err
	}
	progress := j.track("moved", before.Left)
	report, err := p.MoveAll(ctx, migrate.MoveOptions{Parallel: j.parallel, Progress: func(r migrate.Report) {
		progress.set(r.Moved + r.Gone + r.Left())
	}})
	progress.stop()
	return errors.Join(j.printMoved(newMoved(report, err == nil), isFinal(report, err)), err)
}

func (j *job) cleanMove(ctx context.Context, p *migrate.Provider) error {
	if err := j.ask(ctx, "Does every instance of the program use -to alone, or is it stopped?"); err != nil {
		return err
	}
	status, err := j.countLeft(ctx, p)
	if err != nil {
		return err
	}
	progress := j.track("removed", status.Marked)
	removed, err := p.Clean(ctx, migrate.MoveOptions{Parallel: j.parallel, Progress: func(r migrate.Report) {
		progress.set(r.Moved)
	}})
	progress.stop()
	switch {
	case errors.Is(err, migrate.ErrLeft):
		return fmt.Errorf("nothing was removed: -from has records that are not moved; run holdfast move first: %w", err)
	case err != nil:
		return fmt.Errorf("after %s: %w", plural(int(removed), "marker"), err)
	case j.json:
		return j.printJSON(map[string]int64{"removed": removed})
	}
	_, err = fmt.Fprintf(j.stdout, "removed %s from -from, which has nothing of the migration any more\n", plural(int(removed), "marker"))
	return err
}

// ask asks a question that is to be answered with yes.
func (j *job) ask(ctx context.Context, question string) error {
	return j.confirmed(ctx, question, strings.TrimSuffix(question, "?")+"? This", "nothing was done")
}

// tryMove prints what moveAll would do.
func (j *job) tryMove(ctx context.Context, p *migrate.Provider) error {
	if err := j.checkTo(ctx, p, 0); err != nil {
		return err
	}
	c, err := j.compare(ctx, p, migrate.CompareOptions{})
	if err != nil {
		return err
	}
	limit, err := limitOf(ctx, p.Probe, c.Largest)
	if err != nil {
		return j.explain(err, "-to", j.to)
	}
	marker, err := limitOf(ctx, p.ProbeMarker, c.LargestMarker)
	if err != nil {
		return j.explain(err, "-from", j.from)
	}
	if limit < c.Largest || marker < c.LargestMarker {
		if c, err = j.compare(ctx, p, migrate.CompareOptions{MaxSize: max(limit, 1), MaxMarker: max(marker, 1)}); err != nil {
			return err
		}
	}
	return j.printTried(newTried(c, limit))
}

// limitOf returns the size of the largest record that probe accepts, up to size.
func limitOf(ctx context.Context, probe func(context.Context, int) error, size int) (int, error) {
	fits, high := 0, size+1
	for next := size; fits+1 < high; next = fits + (high-fits)/2 {
		err := probe(ctx, next)
		switch {
		case err == nil:
			fits = next
		case errors.Is(err, provider.ErrTooLarge):
			high = next
		default:
			return 0, err
		}
	}
	return fits, nil
}

// compare compares the stores.
func (j *job) compare(ctx context.Context, p *migrate.Provider, options migrate.CompareOptions) (migrate.Comparison, error) {
	progress := j.track("compared", 0)
	defer progress.stop()
	options.Parallel, options.Progress = j.parallel, func(migrate.Comparison) { progress.add(1) }
	return p.Compare(ctx, options)
}

// verifyMove prints whether everything is moved.
func (j *job) verifyMove(ctx context.Context, p *migrate.Provider) error {
	c, err := j.compare(ctx, p, migrate.CompareOptions{})
	if err != nil {
		return err
	}
	return j.printVerified(newVerified(c))
}
