// Package filestore is a provider that keeps records as files in a directory. It needs no
// database, and its records survive a restart. Its code is an example of how to write a
// provider; package provider has the rules.
//
// Any number of goroutines and processes of one machine may use a directory at the same
// time. It must be on a local file system, because locks may have no effect on network
// file systems. A process that is killed during a Save blocks nobody, and leaves the old
// record or the new one. If package syscall has no lock that ends with its process, as on
// Plan 9, Save and Delete return errors.ErrUnsupported.
//
// A power failure leaves whole records as well, but may undo the last Saves and Deletes
// before it, including a sign-out: when Save returns, the contents of the file are on the
// disk, but its name may not be. If the clock is set back, expired records that Sweep has
// not removed are live again. A context ends the wait for a lock, but not for the disk.
// Only the owner may read the files; they are not encrypted.
package filestore

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// Store implements provider.Provider. Make one with Open; the zero Store cannot be used.
// It is safe for concurrent use.
type Store struct {
	dir     *os.Root
	expired listeners
}

var _ provider.Provider = (*Store)(nil)

// Open returns a store of the records in dir, which is created if it does not exist.
// There should be no other files in it.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, wrap(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, wrap(err)
	}
	return &Store{dir: root}, nil
}

// Close closes the directory. It must be the last call.
func (s *Store) Close() error { return wrap(s.dir.Close()) }

// Fetch implements provider.Provider. It takes no lock, because files are only replaced
// as a whole.
func (s *Store) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := cmp.Or(provider.ValidateID(id), ctx.Err()); err != nil {
		return nil, wrap(err)
	}
	rec, err := s.read(fileName(id))
	if err == nil && rec == nil {
		err = provider.ErrNotFound
	}
	return rec, wrap(err)
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (s *Store) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := cmp.Or(rec.Validate(expectVersion), ctx.Err()); err != nil {
		return wrap(err)
	}
	name := fileName(rec.ID)
	unlock, err := s.lock(ctx, groupOf(name))
	if err != nil {
		return wrap(err)
	}
	defer unlock()

	stored, err := s.read(name)
	switch {
	case expectVersion < 0: // also in place of a file that cannot be read
	case err != nil:
		return wrap(err)
	case expectVersion == 0 && stored == nil:
	case stored == nil:
		return &provider.ConflictError{}
	case expectVersion > 0 && stored.Version == expectVersion:
	case stored.Version == rec.Version:
		return nil // by an earlier attempt
	default:
		return &provider.ConflictError{Current: stored}
	}
	if rec.Expired(time.Now()) {
		return wrap(s.remove(name))
	}
	return wrap(s.write(name, rec))
}

// Delete implements provider.Provider. It takes the lock, so that a Save that has read
// the record does not restore it.
func (s *Store) Delete(ctx context.Context, id string) error {
	if err := cmp.Or(provider.ValidateID(id), ctx.Err()); err != nil {
		return wrap(err)
	}
	name := fileName(id)
	unlock, err := s.lock(ctx, groupOf(name))
	if err != nil {
		return wrap(err)
	}
	defer unlock()
	return wrap(s.remove(name))
}

// wrap adds the package's name to an error. Errors of package os may be passed on, since
// they contain the name of a file, which is a hash of an ID.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case noSpace(err):
		return fmt.Errorf("filestore: %w: %w", provider.ErrFull, err)
	}
	return fmt.Errorf("filestore: %w", err)
}
