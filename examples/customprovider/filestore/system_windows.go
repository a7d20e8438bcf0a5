package filestore

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// tryLock locks a file until it is closed, unless it is already locked.
func tryLock(file *os.File) (bool, error) {
	const (
		failImmediately = 1 // LOCKFILE_FAIL_IMMEDIATELY
		exclusive       = 2 // LOCKFILE_EXCLUSIVE_LOCK
		lockViolation   = syscall.Errno(33)
	)
	var start syscall.Overlapped
	ok, _, err := lockFileEx.Call(file.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&start)))
	switch {
	case ok != 0:
		return true, nil
	case err == lockViolation:
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}

func noSpace(err error) bool {
	const diskFull = syscall.Errno(112)
	return errors.Is(err, diskFull)
}
