package etcd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

func TestURLsThatAreNotValid(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"", "etcd", "etcd:", "etcd://", "http://localhost:2379", "etcd://localhost:x", "etcd://a,,b", "etcd://a, b", "etcd://a/b",
		"etcd://user@localhost", "etcd://:secret@localhost", "etcd://user:se%zzcret@localhost", "etcd://user:secret@", "etcd://user:se/cret@localhost:2379",
		"etcd://u:secret@localhost?prefix=%zz", "etcd://u:secret@localhost?prefix=a&prefix=b", "etcd://u:secret@localhost?table=x",
		"etcd://localhost?ca=" + text, "etcds://localhost?ca=" + none, "etcds://localhost?ca=" + text, "etcds://localhost?cert=" + text, "etcds://localhost?key=" + text,
	} {
		p, err := etcd.Open(url)
		if err == nil {
			p.Close()
			t.Errorf("%q: got no error", url)
			continue
		}
		if !strings.HasPrefix(err.Error(), "etcd: ") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got error %q", url, err)
		}
	}
}

func TestURLs(t *testing.T) {
	server := testserver.SharedEtcd(t)
	for _, url := range []string{server, server + "/", server + "," + testserver.FreeAddr(t), server + "?prefix=test/open/", server + "/?prefix=test%2Fopen%2F"} {
		p := open(t, url)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
		prefix := "holdfast/"
		if strings.Contains(url, "prefix") {
			prefix = "test/open/"
		}
		if value(t, shared(t), prefix+rec.ID) == "" {
			t.Errorf("%s: the record is not at the prefix %s", url, prefix)
		}
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseOfACallersClientDoesNothing(t *testing.T) {
	p, client, _ := store(t)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Get(t.Context(), "x"); err != nil {
		t.Errorf("after Close: got error %v, want none", err)
	}
}
