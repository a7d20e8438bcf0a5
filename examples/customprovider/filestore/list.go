package filestore

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
)

var _ provider.Lister = (*Store)(nil)

// List implements provider.Lister. It reads every file, whatever the prefix, since file
// names do not contain the IDs.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		if err := s.list(ctx, prefix, yield); err != nil {
			yield(nil, wrap(err))
		}
	}
}

// list yields all records. It ends when yield returns false, or returns an error.
func (s *Store) list(ctx context.Context, prefix string, yield func(*provider.Record, error) bool) error {
	if err := cmp.Or(provider.ValidatePrefix(prefix), ctx.Err()); err != nil {
		return err
	}
	groups, err := s.groups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		names, err := s.lockedNames(ctx, group)
		if err != nil {
			return err
		}
		for _, name := range names {
			rec, err := s.read(name)
			switch err = cmp.Or(ctx.Err(), err); {
			case err != nil:
				return err
			case rec == nil || !strings.HasPrefix(rec.ID, prefix):
			case !yield(rec, nil):
				return nil
			}
		}
	}
	return nil
}

// lockedNames returns the names of a group's records. It takes the lock, since in some
// file systems a file that is replaced changes its place in the directory, and could be
// missed.
func (s *Store) lockedNames(ctx context.Context, group string) ([]string, error) {
	unlock, err := s.lock(ctx, group)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.names(group, recordSuffix)
}
