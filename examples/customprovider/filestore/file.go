package filestore

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

const (
	recordSuffix = ".json"
	tempSuffix   = ".tmp"
	lockName     = "lock"
)

// fileName returns the name of a record's file. It is a hash, since an ID may contain
// slashes, be too long for the name of a file, or differ from another ID only in case.
// The beginning of the hash is the record's group, a directory.
func fileName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("%x/%x%s", sum[:1], sum[1:], recordSuffix)
}

// groupOf returns the directory of a record's file.
func groupOf(name string) string { return path.Dir(name) }

// groups returns the existing groups, at most 256.
func (s *Store) groups() ([]string, error) {
	entries, err := fs.ReadDir(s.dir.FS(), ".")
	var groups []string
	for _, entry := range entries {
		if entry.IsDir() {
			groups = append(groups, entry.Name())
		}
	}
	return groups, err
}

// names returns the names of the files in a group that end with suffix.
func (s *Store) names(group, suffix string) ([]string, error) {
	entries, err := fs.ReadDir(s.dir.FS(), group)
	var names []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), suffix) {
			names = append(names, path.Join(group, entry.Name()))
		}
	}
	return names, err
}

// read returns the record in a file, or nil if there is none or it has expired.
func (s *Store) read(name string) (*provider.Record, error) {
	rec, err := s.load(name)
	if rec != nil && rec.Expired(time.Now()) {
		return nil, nil
	}
	return rec, err
}

// load returns the record in a file, expired or not, or nil if there is none.
func (s *Store) load(name string) (*provider.Record, error) {
	data, err := s.dir.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	rec := new(provider.Record)
	if err := json.Unmarshal(data, rec); err != nil || fileName(rec.ID) != name {
		return nil, fmt.Errorf("%s is damaged", name) // err may quote the data
	}
	return rec, nil
}

// write replaces the content of a file, which must be locked, with rec. The rename makes
// it visible to others.
func (s *Store) write(name string, rec *provider.Record) error {
	kept := *rec // the caller's record is not changed
	kept.ExpiresAt = provider.FromMillis(provider.Millis(rec.ExpiresAt))
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	temp := name + tempSuffix
	err = s.writeTemp(temp, data)
	if err == nil {
		err = s.dir.Rename(temp, name)
	}
	if err != nil {
		_ = s.dir.Remove(temp)
	}
	return err
}

// writeTemp writes a file to the disk. Without the Sync, a power failure could leave the
// new name with no content.
func (s *Store) writeTemp(name string, data []byte) error {
	file, err := s.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return cmp.Or(err, file.Sync(), file.Close()) // all are called, the first error counts
}

// remove removes a file, which must be locked.
func (s *Store) remove(name string) error {
	err := s.dir.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
