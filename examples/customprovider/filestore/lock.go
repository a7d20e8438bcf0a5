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

// lock keeps all others, goroutines and processes, from changing the files of a
// group, which it makes if it does not exist, until unlock is called. It locks a
// file of the group's own: that of a record is replaced under the eyes of those who
// wait for it. The system gives up the lock of a process that dies. Lock files are
// never removed, for someone may be about to lock them.
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

// waitLock asks again and again, since a call that waits for the lock could not
// be ended with the context.
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
