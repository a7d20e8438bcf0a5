//go:build unix

package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
)

func TestOnlyTheOwnerMayRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	save(t, open(t, dir), newRecord("id"))
	group := filepath.Join(dir, filepath.Dir(filestore.FileName("id")))
	entries, err := os.ReadDir(group)
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v, %v; want a record and a lock", entries, err)
	}
	want := map[string]os.FileMode{dir: 0o700, group: 0o700}
	for _, entry := range entries {
		want[filepath.Join(group, entry.Name())] = 0o600
	}
	for path, mode := range want {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, mode)
		}
	}
}

func TestFullDiskIsErrFull(t *testing.T) {
	err := filestore.Wrap(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !errors.Is(err, provider.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}
