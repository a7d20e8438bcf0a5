package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/holdfast-go/holdfast/cmd/holdfast/internal/backup"
	"github.com/holdfast-go/holdfast/provider"
)

// backup writes the records of -from to a file that has its name only when it is whole.
func (j *job) backup(ctx context.Context) error {
	path, err := backupPath(j.toURL)
	if err != nil {
		return err
	}
	file, err := backup.Create(path, j.replaces)
	if err != nil {
		return named(path, err)
	}
	defer file.Abort()
	progress := j.track("copied", 0)
	defer progress.stop()
	n, err := j.writeBackup(ctx, file, progress)
	if err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err == nil {
		err = file.Commit()
	}
	if err != nil {
		return fmt.Errorf("the backup was not written: %w", named(path, err))
	}
	progress.stop()
	return j.printSaved(savedJSON{n, size, j.seals != nil})
}

// writeBackup returns the number of records that it has written.
func (j *job) writeBackup(ctx context.Context, w io.Writer, progress *progress) (int64, error) {
	out, err := backup.NewWriter(w, time.Now(), j.sealKeys())
	if err != nil {
		return 0, err
	}
	for rec, err := range j.listFrom(ctx) {
		if err != nil {
			return 0, err
		}
		if err := out.Add(rec); err != nil {
			return 0, fmt.Errorf("the backup was not written: %w", err)
		}
		progress.add(1)
	}
	if err := out.Close(); err != nil {
		return 0, fmt.Errorf("the backup was not written: %w", err)
	}
	return out.Records(), nil
}

func (j *job) sealKeys() [][]byte {
	if j.seals == nil {
		return nil
	}
	return j.seals.keys
}

// named adds what to do to an error of a file.
func named(path string, err error) error {
	if errors.Is(err, backup.ErrExists) {
		return fmt.Errorf("%s: %w; choose another name, or give -replace", path, err)
	}
	return err
}

// openedBackup is a backup that is read.
type openedBackup struct {
	*os.File
	keys   [][]byte
	header backup.Header
}

// openBackup opens the backup that -from names.
func (j *job) openBackup() (*openedBackup, error) {
	path, err := backupPath(j.fromURL)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no backup %s", path)
	case err != nil:
		return nil, err
	}
	b := &openedBackup{File: file, keys: j.sealKeys()}
	r, err := b.reader()
	if err == nil && !r.Header().Sealed && len(b.keys) > 0 {
		err = errors.New("the backup is not sealed, so that anyone may have changed it; if you trust it, unset " + sealsEnv)
	}
	if err != nil {
		file.Close()
		return nil, b.explain(err)
	}
	b.header = r.Header()
	return b, nil
}

// reader begins to read the file.
func (b *openedBackup) reader() (*backup.Reader, error) {
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return backup.NewReader(b.File, b.keys)
}

// check reads the whole backup, so that nothing is restored of one that is not whole. It
// returns the number of records.
func (b *openedBackup) check(ctx context.Context, progress *progress) (n int64, err error) {
	defer progress.stop()
	for _, err := range b.records(ctx) {
		if err != nil {
			return n, fmt.Errorf("%w; nothing was restored", err)
		}
		n++
		progress.add(1)
	}
	return n, nil
}

// records yields the records.
func (b *openedBackup) records(ctx context.Context) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		r, err := b.reader()
		for err == nil {
			var rec *provider.Record
			if rec, err = r.Next(); err == nil {
				err = ctx.Err()
			}
			if err == nil && !yield(rec, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, b.explain(err))
		}
	}
}

// explain adds to an error of package backup what may help.
func (b *openedBackup) explain(err error) error {
	switch {
	case errors.Is(err, backup.ErrNoKeys), errors.Is(err, backup.ErrKeys):
		return fmt.Errorf("%w; set %s to the keys that it was written with", err, sealsEnv)
	case errors.Is(err, backup.ErrCutOff), errors.Is(err, backup.ErrDamaged), errors.Is(err, backup.ErrForeign):
		return fmt.Errorf("%w: %s; use another backup", err, b.Name())
	}
	return err
}
