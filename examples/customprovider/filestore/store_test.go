package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
)

func TestRecordsSurviveClosing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "Open")
	first, rec := open(t, dir), newRecord("id")
	save(t, first, rec)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, dir).Fetch(t.Context(), "id")
	if err != nil || got.Version != rec.Version {
		t.Errorf("got %v, %v; want version %d", got, err, rec.Version)
	}
	if _, err := first.Fetch(t.Context(), "id"); err == nil || errors.Is(err, provider.ErrNotFound) {
		t.Errorf("Fetch after Close: got error %v", err)
	}
}

// A damaged file is neither a missing record nor a conflict: a session that is
// still there must not be begun anew.
func TestDamagedFile(t *testing.T) {
	cases := map[string]string{
		"empty":               "",
		"cut off":             `{"ID":"id","Version":1,"Data":"c2Vj`,
		"no JSON":             "secret",
		"no record":           "null",
		"of another record":   `{"ID":"secret","Version":1}`,
		"a time that is none": `{"ID":"id","Version":1,"ExpiresAt":"secret"}`,
		"a version too large": `{"ID":"id","Version":9223372036854775808}`,
	}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, rec := open(t, dir), newRecord("id")
			path := write(t, dir, "id", content)
			_, err := store.Fetch(t.Context(), "id")
			for call, err := range map[string]error{
				"Fetch": err,
				"Save":  store.Save(t.Context(), rec, 0),
				"Sweep": store.Sweep(t.Context()),
				"List":  listError(t, store),
			} {
				if !contains(err, "damaged") || contains(err, "secret") {
					t.Errorf("%s: got error %v", call, err)
				}
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != content {
				t.Errorf("the file has become %q, %v", got, err)
			}
			if err := store.Save(t.Context(), rec, -1); err != nil {
				t.Errorf("Save in any case: %v", err)
			}
			if _, err := store.Fetch(t.Context(), "id"); err != nil {
				t.Errorf("Fetch of what was saved in any case: %v", err)
			}
		})
	}
}

func TestDamagedFileCanBeDeleted(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	write(t, dir, "id", "")
	if err := store.Delete(t.Context(), "id"); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
}

// What stands in the way here is a directory of the file's name.
func TestFailedSaveLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	store, name := open(t, dir), filestore.FileName("secret")
	if err := os.MkdirAll(filepath.Join(dir, name, "child"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := store.Save(t.Context(), newRecord("secret"), -1)
	if !contains(err, "filestore: ") || contains(err, "secret") || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got error %v", err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{name}) {
		t.Errorf("files %q", got)
	}
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store := open(t, dir)
		brief, long, never := newRecord("brief"), newRecord("long"), newRecord("never")
		brief.ExpiresAt = time.Now().Add(time.Minute)
		never.ExpiresAt = time.Time{}
		for _, rec := range []*provider.Record{brief, long, never} {
			save(t, store, rec)
		}
		unlock, err := store.LeaveHalf(t.Context(), "half")
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o600); err != nil {
			t.Fatal(err)
		}

		sweep := func(want ...string) {
			t.Helper()
			if err := store.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			slices.Sort(want)
			if got := files(t, dir); !slices.Equal(got, want) {
				t.Errorf("files %q, want %q", got, want)
			}
		}
		name := filestore.FileName
		ended, end := context.WithCancel(t.Context())
		end()
		if err := store.Sweep(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("Sweep with a context that has ended: got error %v", err)
		}
		sweep(name("brief"), name("long"), name("never"))
		time.Sleep(time.Minute)
		sweep(name("long"), name("never"))
		time.Sleep(time.Hour)
		sweep(name("never"))
		if _, err := os.Stat(filepath.Join(dir, "README")); err != nil {
			t.Errorf("Sweep has removed another's file: %v", err)
		}
	})
}

// Sweep must not remove what was saved after it has looked.
func TestSweepDuringSaves(t *testing.T) {
	store := open(t, t.TempDir())
	ctx, done := context.WithCancel(t.Context())
	var sweepers sync.WaitGroup
	defer sweepers.Wait()
	defer done()
	for range 4 {
		sweepers.Go(func() {
			for ctx.Err() == nil {
				if err := store.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		expiring := newRecord("id")
		expiring.ExpiresAt = time.Now().Add(2 * time.Millisecond)
		if err := store.Save(ctx, expiring, -1); err != nil {
			t.Fatal(err)
		}
		rec := newRecord("id")
		for errors.Is(store.Save(ctx, rec, 0), provider.ErrVersionConflict) {
			runtime.Gosched()
		}
		if _, err := store.Fetch(ctx, "id"); err != nil {
			t.Fatal(err)
		}
	}
}
