//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package filestore

import (
	"errors"
	"os"
)

// tryLock refuses to go on without a lock.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func noSpace(error) bool { return false }
