package drivertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// limits are ways to have little room on the disk, in a child.
var limits = map[string]func(path string) error{
	"disk": func(path string) error { // of a namespace of its own
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return err
		}
		return syscall.Mount("tmpfs", filepath.Dir(path), "tmpfs", 0, "size=1m")
	},
	"file": func(string) error {
		signal.Ignore(syscall.SIGXFSZ)
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	},
}

// fill saves records until there is no more room, and looks at what is there then.
func fill(ctx context.Context, p *sqlite.Provider, db *sql.DB) error {
	var acked []*provider.Record
	var err error
	for err == nil {
		rec := storetest.NewRecord()
		rec.Data = make([]byte, 9000)
		if err = p.Save(ctx, rec, 0); err == nil {
			acked = append(acked, rec)
		}
	}
	fmt.Fprintln(out, "full", errors.Is(err, provider.ErrFull), errors.Is(err, provider.ErrRefused), err)
	for _, rec := range acked {
		got, err := p.Fetch(ctx, rec.ID)
		if err != nil || got.Version != rec.Version || len(got.Data) != len(rec.Data) {
			return fmt.Errorf("a record that was acknowledged: %+v, %w", got, err)
		}
	}
	var integrity string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&integrity); err != nil || integrity != "ok" {
		return fmt.Errorf("integrity_check: %s, %w", integrity, err)
	}
	fmt.Fprintln(out, "kept", len(acked))
	return nil
}

// When the disk is full, nothing that was acknowledged is lost, and a Save is refused.
// ncruces/go-sqlite3 itself reports a full disk as any other failure to write, whose
// outcome is open; package opensqlite reports it as such.
func TestFullDisk(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		attr := testserver.MountNamespace(t)
		c := b.startWith(t, "fill", filepath.Join(t.TempDir(), "test.db"), "disk", attr)
		full := c.line()
		if b == modernc && (!strings.HasPrefix(full, "full true true ") || !strings.Contains(full, "make room")) {
			t.Errorf("got %q, want ErrFull and ErrRefused: %s", full, &c.stderr)
		}
		if !strings.HasPrefix(full, "full ") {
			t.Errorf("got %q: %s", full, &c.stderr)
		}
		if kept := c.line(); !strings.HasPrefix(kept, "kept ") || kept == "kept 0" {
			t.Errorf("got %q", kept)
		}
		c.end()
	})
}

// When the file must not grow, the error of the operating system leaves the outcome of a
// Save open, and nothing that was acknowledged is lost.
func TestLimitedFile(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		c := b.startWith(t, "fill", filepath.Join(t.TempDir(), "test.db"), "file", syscall.SysProcAttr{})
		if full := c.line(); !strings.HasPrefix(full, "full false false ") {
			t.Errorf("got %q, want an error that leaves the outcome open: %s", full, &c.stderr)
		}
		if kept := c.line(); !strings.HasPrefix(kept, "kept ") || kept == "kept 0" {
			t.Errorf("got %q", kept)
		}
		c.end()
	})
}
