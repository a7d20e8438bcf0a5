package drivertest

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
)

// asNobody calls f in a thread without special rights to files, also if the tests are run
// by root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := syscall.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// What the user may not write is an error that says so.
func TestMissingPermission(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, test := range map[string]struct{ file, directory os.FileMode }{
			"to write the file":      {0o444, 0o777},
			"to write the directory": {0o666, 0o555},
			"to read the file":       {0o000, 0o777},
		} {
			t.Run(name, func(t *testing.T) {
				_, db, path := b.store(t)
				must(t, db.Close())
				dir := filepath.Dir(path)
				for _, leftover := range []string{path + "-wal", path + "-shm"} {
					_ = os.Remove(leftover)
				}
				must(t, os.Chmod(filepath.Dir(dir), 0o777))
				must(t, os.Chmod(path, test.file))
				must(t, os.Chmod(dir, test.directory))
				defer os.Chmod(dir, 0o777)
				p, _ := b.at(t, path)
				asNobody(t, func() {
					rec := storetest.NewRecord()
					for _, expectVersion := range []int64{0, 7, -1} {
						err := p.Save(t.Context(), rec, expectVersion)
						tellsNothing(t, err, rec)
						says(t, err, "the user that runs the program")
						isOutcome(t, "Save", err, refused)
					}
				})
			})
		}
	})
}
