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

// golden holds text against testdata/name, with the public IDs, which are random, as
// these names, of the same length.
func golden(t *testing.T, file, text string, publicIDs map[string]string) {
	t.Helper()
	for publicID, name := range publicIDs {
		text = strings.ReplaceAll(text, publicID, name+strings.Repeat("_", len(publicID)-len(name)))
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
		renewed := ada.publicID()
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
		publicIDs := map[string]string{ada.publicID(): "ADA", renewed: "ADA-BEFORE", guest.publicID(): "GUEST"}

		golden(t, "list-user.txt", s.must("list", "-user", "ada"), publicIDs)
		golden(t, "list-user.json", s.must("list", "-user", "ada", "-json"), publicIDs)
		golden(t, "list-guest.txt", s.must("list", "-prefix", guest.publicID()), publicIDs)
		golden(t, "list-guest.json", s.must("list", "-json", "-prefix", guest.publicID()), publicIDs)
		golden(t, "show.txt", s.must("show", ada.publicID()), publicIDs)
		golden(t, "show.json", s.must("show", ada.publicID(), "-json"), publicIDs)
		golden(t, "show-tombstone.txt", s.must("show", renewed), publicIDs)
		golden(t, "show-tombstone.json", s.must("show", "-json", renewed), publicIDs)
		for id, kind := range s.others() {
			golden(t, "show-"+string(kind)+".txt", s.must("show", id), map[string]string{id: "OWNER-INDEX", ada.publicID(): "ADA"})
		}
		golden(t, "stats.txt", s.must("stats"), publicIDs)
		golden(t, "stats.json", s.must("stats", "-json"), publicIDs)
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
	golden(t, "help-move.txt", s.must("help", "move"), nil)
	golden(t, "help-copy.txt", s.must("help", "copy"), nil)
	for _, c := range commands {
		if s.must("help", c.name) != s.must(c.name, "-h") {
			t.Errorf("holdfast %s -h is not holdfast help %[1]s", c.name)
		}
	}
	if s.must("-h") != s.must("help") {
		t.Error("holdfast -h is not holdfast help")
	}
}
