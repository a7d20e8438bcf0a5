package main

import (
	"bufio"
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
	if err := j.ask("Is every instance of the program in the phase Move of package migrate, or stopped?"); err != nil {
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
	return errors.Join(j.printMoved(newMoved(report, err == nil)), err)
}

func (j *job) cleanMove(ctx context.Context, p *migrate.Provider) error {
	if err := j.ask("Does every instance of the program use -to alone, or is it stopped?"); err != nil {
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
func (j *job) ask(question string) error {
	switch {
	case j.yes:
		return nil
	case !j.asks:
		return usageError(strings.TrimSuffix(question, "?") + "? This needs a confirmation, but the standard input is not a terminal; give -yes")
	}
	fmt.Fprintf(j.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(j.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was done")
}

// tryMove prints what moveAll would do.
func (j *job) tryMove(ctx context.Context, p *migrate.Provider) error {
	if err := j.checkTo(ctx, p, 0); err != nil {
		return err
	}
	c, err := j.compare(ctx, p, 0)
	if err != nil {
		return err
	}
	limit, err := j.limitOf(ctx, p, c.Largest)
	if err != nil {
		return err
	}
	if limit < c.Largest {
		if c, err = j.compare(ctx, p, max(limit, 1)); err != nil {
			return err
		}
	}
	return j.printTried(newTried(c, limit))
}

// limitOf returns the size of the largest record that -to accepts, up to size.
func (j *job) limitOf(ctx context.Context, p *migrate.Provider, size int) (int, error) {
	fits, high := 0, size+1
	for next := size; fits+1 < high; next = fits + (high-fits)/2 {
		err := p.Probe(ctx, next)
		switch {
		case err == nil:
			fits = next
		case errors.Is(err, provider.ErrTooLarge):
			high = next
		default:
			return 0, j.explain(err, "-to", j.to)
		}
	}
	return fits, nil
}

// compare compares the stores. Records of more than size bytes are counted, if size is
// not 0.
func (j *job) compare(ctx context.Context, p *migrate.Provider, size int) (migrate.Comparison, error) {
	progress := j.track("compared", 0)
	defer progress.stop()
	return p.Compare(ctx, migrate.CompareOptions{Parallel: j.parallel, MaxSize: size, Progress: func(migrate.Comparison) {
		progress.add(1)
	}})
}

// verifyMove prints whether everything is moved.
func (j *job) verifyMove(ctx context.Context, p *migrate.Provider) error {
	c, err := j.compare(ctx, p, 0)
	if err != nil {
		return err
	}
	return j.printVerified(newVerified(c))
}
