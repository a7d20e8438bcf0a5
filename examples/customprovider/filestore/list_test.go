package filestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
)

// listError returns the error that List ends with.
func listError(t *testing.T, store *filestore.Store) (err error) {
	t.Helper()
	for _, err = range store.List(t.Context(), "") {
	}
	return err
}

func TestListLooksAtRecordsOnly(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	save(t, store, newRecord("id"))
	unlock, err := store.LeaveHalf(t.Context(), "half")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for rec, err := range store.List(t.Context(), "") {
		if err != nil || rec.ID != "id" {
			t.Errorf("got %v, %v; want the record alone", rec, err)
		}
	}
}

func TestListAfterClose(t *testing.T) {
	store := open(t, t.TempDir())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if listError(t, store) == nil {
		t.Error("got no error")
	}
}
