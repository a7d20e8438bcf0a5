package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrExists is the error of Create and Commit if there is a file already.
var ErrExists = errors.New("there is such a file already")

// File is a new file that gets its name when it is whole. Until then it is in the same
// directory under another name that begins with the name and ".part-".
type File struct {
	*os.File
	path    string
	replace bool
}

// Create makes a file that only this user may read. It does not replace an existing file
// unless replace is set.
func Create(path string, replace bool) (*File, error) {
	if err := mayCreate(path, replace); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*") // 0600
	if err != nil {
		return nil, err
	}
	return &File{f, path, replace}, nil
}

func mayCreate(path string, replace bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case !replace:
		return ErrExists
	}
	return nil
}

// Commit writes the file to the disk and gives it its name.
func (f *File) Commit() error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := f.name(); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(f.path))
}

// name gives the file its name. A link, unlike a rename, replaces nothing; not every file
// system has them.
func (f *File) name() error {
	if !f.replace {
		err := os.Link(f.Name(), f.path)
		if err == nil {
			return os.Remove(f.Name())
		}
		if err := mayCreate(f.path, false); err != nil {
			return err
		}
	}
	return os.Rename(f.Name(), f.path)
}

// Abort removes what was written, unless it was committed.
func (f *File) Abort() {
	f.Close()
	_ = os.Remove(f.Name())
}

func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it cannot be done there
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
