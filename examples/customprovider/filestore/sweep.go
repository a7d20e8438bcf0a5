package filestore

import (
	"context"
	"errors"
	"strings"
)

// Sweep removes the files of expired records, and what killed processes have
// left half written. Nobody sees these in any case, but they fill the disk: call
// it now and then. Damaged files stay, and are named in the error.
func (s *Store) Sweep(ctx context.Context) error {
	groups, err := s.groups()
	errs := []error{err}
	for _, group := range groups {
		names, err := s.names(group, "")
		errs = append(errs, err)
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return wrap(err)
			}
			errs = append(errs, s.sweep(ctx, name))
		}
	}
	return wrap(errors.Join(errs...))
}

// sweep looks under the lock of the record, which is that of its half-written
// file as well: they are in one group.
func (s *Store) sweep(ctx context.Context, name string) error {
	isRecord, isTemp := strings.HasSuffix(name, recordSuffix), strings.HasSuffix(name, tempSuffix)
	if !isRecord && !isTemp {
		return nil
	}
	unlock, err := s.lock(ctx, groupOf(name))
	if err != nil {
		return err
	}
	defer unlock()
	if isRecord {
		if rec, err := s.read(name); err != nil || rec != nil {
			return err
		}
	}
	return s.remove(name)
}
