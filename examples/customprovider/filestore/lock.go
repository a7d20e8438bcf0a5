package filestore

import (
	"context"
	"math/rand/v2"
	"os"
	"time"
)

// lock keeps all others, goroutines and processes, from changing the file until
// unlock is called. It locks a file beside it, one for 1/256 of all records: the
// record's own is replaced under the eyes of those who wait for it. The system
// gives up the lock of a process that dies. Lock files are never removed, for
// someone may be about to lock them.
func (s *Store) lock(ctx context.Context, name string) (unlock func(), err error) {
	file, err := s.dir.OpenFile(name[:2]+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
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
