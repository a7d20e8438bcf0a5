package filestore

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"time"
)

// lock prevents all other goroutines and processes from changing the files of a group
// until unlock is called. It creates the group if it does not exist. It locks a separate
// file of the group, because a record's file may be replaced while others wait for its
// lock. The system releases the lock of a process that dies. Lock files are never
// removed, because others may be about to lock them.
func (s *Store) lock(ctx context.Context, group string) (unlock func(), err error) {
	if err := s.dir.Mkdir(group, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	file, err := s.dir.OpenFile(path.Join(group, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := waitLock(ctx, file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// waitLock tries to lock the file repeatedly, since a blocking call could not be ended
// with the context.
func waitLock(ctx context.Context, file *os.File) error {
	for {
		if locked, err := tryLock(file); locked || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(2 * time.Millisecond)):
		}
	}
}
