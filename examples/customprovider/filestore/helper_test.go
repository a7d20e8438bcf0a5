package filestore_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
)

func open(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func newRecord(id string) *provider.Record {
	return &provider.Record{ID: id, Version: newVersion(), ExpiresAt: time.Now().Add(time.Hour), Data: []byte("0")}
}

func newVersion() int64 { return 1 + rand.Int64N(math.MaxInt64) }

func save(t *testing.T, store provider.Provider, rec *provider.Record) {
	t.Helper()
	if err := store.Save(t.Context(), rec, 0); err != nil {
		t.Fatal(err)
	}
}

// increment adds one to the number in a record.
func increment(ctx context.Context, p provider.Provider, id string) error {
	for {
		rec, err := p.Fetch(ctx, id)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return err
		}
		seen := rec.Version
		rec.Version = newVersion()
		rec.Data = strconv.AppendInt(nil, int64(n+1), 10)
		if err := p.Save(ctx, rec, seen); !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
	}
}

// files returns the names of what is in the groups of dir, without those of locks.
func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*/*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return path.Base(name) == "lock" })
}

// write puts content into the file of a record, past the store.
func write(t *testing.T, dir, id, content string) (name string) {
	t.Helper()
	name = filepath.Join(dir, filestore.FileName(id))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }
