//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package filestore

import (
	"errors"
	"os"
)

// tryLock returns errors.ErrUnsupported: there is no lock on this system.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func noSpace(error) bool { return false }
