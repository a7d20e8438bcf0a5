package main

import (
	"context"
	"fmt"
)

// create prints what opening the store has created or checked.
func create(_ context.Context, j *job) error {
	if j.store.Needs == "" {
		_, err := fmt.Fprintln(j.stdout, "nothing to do: this store needs nothing to be created")
		return err
	}
	_, err := fmt.Fprintf(j.stdout, "ready: %s\n", j.store.Needs)
	return err
}
