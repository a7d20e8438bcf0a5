package filestore

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Sweep removes the files of expired records, and incomplete files of killed processes.
// These files are ignored in any case, but they fill the disk: call Sweep regularly.
// Damaged files stay, and the error names them.
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

// sweep holds the lock of the record's group, which also contains the record's incomplete
// file.
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
		rec, err := s.load(name)
		if err != nil || rec == nil || !rec.Expired(time.Now()) {
			return err
		}
		s.expired.tell(rec)
	}
	return s.remove(name)
}
