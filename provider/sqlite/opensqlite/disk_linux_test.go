package opensqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

// childEnv is the path of the database that a child of TestFullDisk fills.
const childEnv = "HOLDFAST_OPENSQLITE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		fmt.Println(fillDisk(path))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fillDisk fills a disk that only this process sees.
func fillDisk(path string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", filepath.Dir(path), "tmpfs", 0, "size=1m"); err != nil {
		return err
	}
	p, err := opensqlite.Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	saved := 0
	for err == nil {
		rec := &provider.Record{ID: fmt.Sprint(saved), Version: 1, Data: make([]byte, 9000)}
		if err = p.Save(ctx, rec, 0); err == nil {
			saved++
		}
	}
	if saved == 0 || !errors.Is(err, provider.ErrFull) || !errors.Is(err, provider.ErrRefused) {
		return fmt.Errorf("after %d records: %w; want ErrFull and ErrRefused", saved, err)
	}
	if err := p.Close(); err != nil {
		return err
	}
	if p, err = opensqlite.Open(path); err != nil {
		return err
	}
	defer p.Close()
	for i := range saved {
		if _, err := p.Fetch(ctx, fmt.Sprint(i)); err != nil {
			return fmt.Errorf("a record that was acknowledged: %w", err)
		}
	}
	return nil
}

// A disk without room refuses a Save, and nothing that was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+newPath(t))
	attr := testserver.MountNamespace(t)
	cmd.SysProcAttr = &attr
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "<nil>" {
		t.Errorf("%s, %v", got, err)
	}
}
