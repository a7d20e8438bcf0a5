package main

import (
	"context"
	"fmt"
)

// purge removes expired records, if the store does not do so itself.
func purge(ctx context.Context, j *job) error {
	if j.store.Purge == nil {
		_, err := fmt.Fprintln(j.stdout, "nothing to do: this store removes expired records by itself")
		return err
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
