package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds text against testdata/name, with the handles, which are random, as
// these names, of the same length.
func golden(t *testing.T, file, text string, handles map[string]string) {
	t.Helper()
	for handle, name := range handles {
		text = strings.ReplaceAll(text, handle, name+strings.Repeat("_", len(handle)-len(name)))
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its time begins on 2000-01-01
		s := newMemorySite(t)
		ada := s.signIn("ada")
		renewed := ada.handle()
		time.Sleep(90 * time.Minute / 2)
		ada.visit((*session.Session).Renew)
		time.Sleep(time.Minute)
		ada.visit(func(s *session.Session) {
			s.Persist(10 * 24 * time.Hour)
			name.Set(s, "Ada \x1b[31m Lovelace")
			session.NewKey[time.Time]("at").Set(s, time.Now())
			session.NewKey[[]byte]("bytes").Set(s, []byte{1, 2, 3})
			session.NewKey[[]float64]("floats").Set(s, []float64{0.5})
		})
		guest := s.device()
		guest.visit(func(s *session.Session) { name.Set(s, "") })
		handles := map[string]string{ada.handle(): "ADA", renewed: "ADA-BEFORE", guest.handle(): "GUEST"}

		golden(t, "list-user.txt", s.must("list", "-user", "ada"), handles)
		golden(t, "list-user.json", s.must("list", "-user", "ada", "-json"), handles)
		golden(t, "list-guest.txt", s.must("list", "-prefix", guest.handle()), handles)
		golden(t, "list-guest.json", s.must("list", "-json", "-prefix", guest.handle()), handles)
		golden(t, "show.txt", s.must("show", ada.handle()), handles)
		golden(t, "show.json", s.must("show", ada.handle(), "-json"), handles)
		golden(t, "show-tombstone.txt", s.must("show", renewed), handles)
		golden(t, "show-tombstone.json", s.must("show", "-json", renewed), handles)
		for id, kind := range s.others() {
			golden(t, "show-"+string(kind)+".txt", s.must("show", id), map[string]string{id: "ROSTER", ada.handle(): "ADA"})
		}
		golden(t, "stats.txt", s.must("stats"), handles)
		golden(t, "stats.json", s.must("stats", "-json"), handles)
	})
}

func TestGoldenKeyring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemorySite(t)
		m, err := session.New(s.store, session.Config{}) // without SigningKeys
		if err != nil {
			t.Fatal(err)
		}
		s.m = m
		s.device().visit(func(s *session.Session) { name.Set(s, "guest") })
		for id, kind := range s.others() {
			golden(t, "show-"+string(kind)+".txt", s.must("show", id), map[string]string{id: "KEYRING"})
			golden(t, "show-"+string(kind)+".json", s.must("show", "-json", id), map[string]string{id: "KEYRING"})
		}
	})
}

func TestGoldenHelp(t *testing.T) {
	s := newMemorySite(t)
	golden(t, "help.txt", s.must("help"), nil)
	golden(t, "help-revoke.txt", s.must("help", "revoke"), nil)
	for _, c := range commands {
		if s.must("help", c.name) != s.must(c.name, "-h") {
			t.Errorf("holdfast %s -h is not holdfast help %[1]s", c.name)
		}
	}
	if s.must("-h") != s.must("help") {
		t.Error("holdfast -h is not holdfast help")
	}
}
