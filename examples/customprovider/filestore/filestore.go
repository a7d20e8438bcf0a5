// Package filestore is a provider that keeps records as files in a directory.
// It needs no database, and survives a restart. It is made to be read, as the
// example of how to write a provider; package provider has the rules.
//
// Any number of goroutines and processes of one machine may use a directory at
// the same time. It must be on a local file system: those of a network may lock
// nothing. A process that is killed in the middle of a Save holds nobody up, and
// leaves the old record or the new one. Where package syscall offers no lock that
// ends with its process, as on Plan 9, Save and Delete return
// errors.ErrUnsupported.
//
// A power cut leaves whole records as well, but may undo the last Saves and
// Deletes before it, a sign-out among them: the contents of a file are on the disk
// when Save returns, its name need not be. Setting the clock back wakes expired
// records that Sweep has not removed. A context ends the wait for a lock, but not
// for the disk. Only the owner may read the files; they are not encrypted.
package filestore

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// Store implements provider.Provider. Make one with Open.
type Store struct{ dir *os.Root }

var _ provider.Provider = (*Store)(nil)

// Open returns a store of the records in dir, which is made if it does not
// exist. There should be no other files in it.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, wrap(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, wrap(err)
	}
	return &Store{root}, nil
}

// Close closes the directory. It must be the last call.
func (s *Store) Close() error { return wrap(s.dir.Close()) }

// Fetch implements provider.Provider. It takes no lock: files are only ever
// replaced as a whole.
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

// Delete implements provider.Provider. It takes the lock, so that no Save that
// has read the record puts it back.
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

// wrap puts the package's name before an error. Those of package os may be
// passed on, since they name a file, and the names of files are hashes of IDs.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case noSpace(err):
		return fmt.Errorf("filestore: %w: %w", provider.ErrFull, err)
	}
	return fmt.Errorf("filestore: %w", err)
}
