package drivertest

import (
	"fmt"
	"os"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// SQLite would go on with a file that nobody else sees: what it acknowledges is lost when
// the program ends, and a session that ended in the new file would live on.
func TestFileIsRemovedOrReplaced(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, happens := range map[string]func(t *testing.T, path string){
			"removed": func(t *testing.T, path string) { must(t, os.Remove(path)) },
			"renamed": func(t *testing.T, path string) { must(t, os.Rename(path, path+".old")) },
			"replaced": func(t *testing.T, path string) {
				must(t, os.Rename(path, path+".old"))
				must(t, os.WriteFile(path, nil, 0o600))
			},
		} {
			t.Run(name, func(t *testing.T) {
				p, _, path := b.store(t)
				rec := storetest.NewRecord()
				storetest.Save(t, p, rec, 0, nil)
				must(t, os.Link(path, path+".kept"))
				happens(t, path)
				eachCall(t, p, rec, func(t *testing.T, err error) {
					tellsNothing(t, err, rec)
					says(t, err, "restart the program")
				})
				ends(t, t.Context(), p, refused)

				must(t, os.Rename(path+".kept", path))
				storetest.WantRecord(t, p, rec)
				storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			})
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A backup that is made while writers run is a whole database with all that was
// acknowledged before.
func TestBackup(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		stop := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			other := rec.Clone()
			other.ID = "other"
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				other.Version++
				if err := p.Save(background(t), other, -1); err != nil {
					done <- err
					return
				}
			}
		}()
		storetest.Eventually(t, "written", func() bool { _, err := p.Fetch(t.Context(), "other"); return err == nil })
		for range 3 {
			rec = storetest.Next(rec)
			storetest.Save(t, p, rec, rec.Version-1, nil)
			before, err := p.Fetch(t.Context(), "other")
			must(t, err)
			backup := fmt.Sprint(path, ".backup", rec.Version)
			run(t, b.open(t, path), "VACUUM INTO ?", backup)

			db := b.open(t, backup, writing...)
			if got := value[string](t, db, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("integrity_check: %s", got)
			}
			restored := sqlite.New(db)
			must(t, restored.CreateTable(t.Context()))
			storetest.WantRecord(t, restored, rec)
			other, err := restored.Fetch(t.Context(), "other")
			must(t, err)
			if other.Version < before.Version {
				t.Errorf("the backup has version %d, want %d or later", other.Version, before.Version)
			}
			storetest.Save(t, restored, storetest.Next(rec), rec.Version, nil)
		}
		close(stop)
		must(t, <-done)
	})
}
