//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fileLimit is, in the environment of a test binary, the size that a file may have.
const fileLimit = "HOLDFAST_TEST_FILE_LIMIT"

// limitFiles makes every write beyond n bytes of a file fail, as on a disk that is full.
func limitFiles(n uint64) error {
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

// A disk that is full leaves no backup, and the one of before as it was.
func TestBackupOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	store := "file://" + filepath.Join(dir, "store")
	finish(t, exitDone, "create", "-store", store)
	fill(t, openURL(t, store), 100)
	path := filepath.Join(dir, "backups", "x.hfb")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	finish(t, exitDone, "copy", "-from", store, "-to", "backup:"+path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{"0", "1", "1000"} {
		t.Setenv(fileLimit, limit)
		text := finish(t, exitFailed, "copy", "-replace", "-from", store, "-to", "backup:"+path)
		if !strings.Contains(text, "the backup was not written: ") || !strings.Contains(text, syscall.EFBIG.Error()) {
			t.Errorf("limit %s: %s", limit, text)
		}
		after, err := os.ReadFile(path)
		if err != nil || string(before) != string(after) {
			t.Errorf("limit %s: the backup of before is gone or changed: %v", limit, err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Errorf("limit %s: the directory has %v; %v", limit, left, err)
		}
	}
}
