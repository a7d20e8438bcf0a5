package filestore

import (
	"bytes"
	"context"
)

var (
	FileName = fileName
	Wrap     = wrap
)

// LeaveHalf takes the lock of a record and begins to write it, more than a test
// saves afterwards.
func (s *Store) LeaveHalf(ctx context.Context, id string) (unlock func(), err error) {
	name := fileName(id)
	unlock, err = s.lock(ctx, groupOf(name))
	if err != nil {
		return nil, err
	}
	return unlock, s.dir.WriteFile(name+tempSuffix, bytes.Repeat([]byte("half"), 1000), 0o600)
}
