package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

// purge removes expired records, if the store does not do so itself.
func purge(ctx context.Context, j *job) error {
	if j.store.Purge == nil {
		return j.explainNoPurge(ctx)
	}
	progress := j.watch(true, "purging")
	n, err := j.store.Purge(ctx)
	progress.stop()
	switch {
	case err != nil && n > 0:
		return fmt.Errorf("after %d records: %w", n, err)
	case err != nil:
		return err
	case n < 0:
		_, err = fmt.Fprintln(j.stdout, "removed what had expired")
	default:
		_, err = fmt.Fprintf(j.stdout, "removed %s that had expired\n", plural(int(n), "record"))
	}
	return err
}

// explainNoPurge says why nothing needs to be purged in a store that can be used.
func (j *job) explainNoPurge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := j.store.Fetch(ctx, "holdfast-purge"); err != nil && !errors.Is(err, provider.ErrNotFound) {
		return err
	}
	why := "this store removes expired records by itself"
	if j.store.Served {
		why = "the server must remove expired records; holdfast serve does"
	}
	_, err := fmt.Fprintln(j.stdout, "nothing to do: "+why)
	return err
}
