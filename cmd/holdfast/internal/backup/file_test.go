package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-go/holdfast/cmd/holdfast/internal/backup"
)

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func create(t *testing.T, path, text string, replace bool) error {
	t.Helper()
	f, err := backup.Create(path, replace)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return f.Commit()
}

func TestFileHasItsNameWhenItIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.hfb")
	f, err := backup.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if _, err := os.Stat(path); err == nil {
		t.Error("it has its name already")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort() // does nothing
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := backup.Create(filepath.Join(dir, "x.hfb"), false)
	if err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}

func TestFileIsReplacedOnlyIfItMay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.hfb")
	for _, tc := range []struct {
		text    string
		replace bool
		err     error
		want    string
	}{
		{"first", false, nil, "first"},
		{"second", false, backup.ErrExists, "first"},
		{"third", true, nil, "third"},
	} {
		if err := create(t, path, tc.text, tc.replace); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v", tc.text, err, tc.err)
		}
		if got, _ := os.ReadFile(path); string(got) != tc.want {
			t.Errorf("%s: the file has %q, want %q", tc.text, got, tc.want)
		}
	}
}

// A file that appears while the backup is written is not replaced either.
func TestFileThatAppearsMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.hfb")
	f, err := backup.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); !errors.Is(err, backup.ErrExists) {
		t.Errorf("got %v, want %v", err, backup.ErrExists)
	}
	if got, _ := os.ReadFile(path); string(got) != "other" {
		t.Errorf("the file has %q", got)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"a directory": dir, "a directory that is missing": filepath.Join(dir, "no", "x")} {
		if err := create(t, path, "", true); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
