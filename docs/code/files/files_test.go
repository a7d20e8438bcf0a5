package files

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"ann/letter.txt": "dear bob", "bob/letter.txt": "dear ann"} {
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	private, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer private.Close()
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{sessions, fstest.MapFS{"style.css": {Data: []byte("a{}")}}, private}
	b := browser.New(t, site.Routes())

	b.Get("/files/letter.txt").Want(t, 401, "please log in")
	b.Post("/login")
	style := b.Get("/static/style.css")
	style.Want(t, 200, "a{}")
	if vary := style.Header.Get("Vary"); vary != "" {
		t.Errorf("Vary: %s", vary)
	}
	letter := b.Get("/files/letter.txt")
	letter.Want(t, 200, "dear bob")
	if got := letter.Header.Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control: %s", got)
	}
	b.Get("/files/..%2Fbob%2Fletter.txt").Want(t, 404, "404 page not found")
	b.Get("/files/none").Want(t, 404, "404 page not found")
	b.Send("Range", "bytes=5-7")
	b.Get("/files/letter.txt").Want(t, 206, "bob")
	b.Send("Range", "")
	b.Get("/export").Want(t, 200, "download,1\ndownload,2")
}
