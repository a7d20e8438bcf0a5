package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func TestCopyKeepsWhatIsThere(t *testing.T) {
	s := newStores(t)
	recs := fill(t, s.from, 10)
	put(t, s.to, recs[0])
	other := recs[1].Clone()
	other.Version++
	put(t, s.to, other)
	put(t, s.from, &provider.Record{ID: "unversioned"})

	r := s.do(exitFailed, "copy", "-verify")
	says(t, r.out, "the same in -to 1", "another in -to 1", "not in -to 9")
	if number(t, s.to) != 2 {
		t.Error("-verify has changed -to")
	}
	r = s.do(exitFailed, "copy")
	says(t, r.out, "copied, or there already 9", "others are in -to 1", "no positive version 1")
	says(t, r.errOut, "1 record could not be copied")
	has(t, s.to, other, recs[0], recs[2], recs[9])
	has(t, s.from, recs...)

	says(t, s.do(exitFailed, "copy", "-replace").out, "copied, or there already 9", "replaced others in -to 1")
	has(t, s.to, recs...)
}

// A record that changes while it is replaced is replaced as it is then, or not.
func TestReplaceIsASwap(t *testing.T) {
	rec := &provider.Record{ID: "a", Version: 1}
	for changes, want := range map[int]int64{0: 1, 3: 1, 1000: 1003} {
		s := newStores(t)
		put(t, s.from, rec)
		to := s.to
		put(t, to, &provider.Record{ID: "a", Version: 1000})
		s.to = &changing{Provider: bare{to}, left: changes}
		code := exitDone
		if changes == 1000 {
			code = exitFailed
		}
		r := s.do(code, "copy", "-replace")
		got, err := to.Fetch(t.Context(), "a")
		if err != nil || (got.Version == 1) != (want == 1) {
			t.Errorf("%d changes: got version %d and error %v\n%s", changes, got.Version, err, r.errOut)
		}
	}
}

// bare has conflicts that do not tell the current record.
type bare struct{ provider.Provider }

func (b bare) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	err := b.Provider.Save(ctx, rec, expectVersion)
	if errors.Is(err, provider.ErrVersionConflict) {
		return provider.ErrVersionConflict
	}
	return err
}

// changing changes a record after each Fetch of it.
type changing struct {
	provider.Provider
	left int
}

func (c *changing) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := c.Provider.Fetch(ctx, id)
	if err == nil && c.left > 0 {
		c.left--
		next := rec.Clone()
		next.Version++
		err = c.Save(ctx, next, -1)
	}
	return rec, err
}

// A store that fails for a moment ends no copy; one that goes on failing does.
func TestCopyTriesAgain(t *testing.T) {
	for failures, code := range map[int]int{attempts - 1: exitDone, 1000: exitFailed} {
		synctest.Test(t, func(t *testing.T) {
			s := newStores(t)
			recs := fill(t, s.from, 3)
			to := s.to
			s.to = &flaky{Provider: to, failures: failures, err: errFailing}
			// Not by do, which checks the new store first.
			c := copying{to: s.to, progress: &progress{}}
			err := c.run(t.Context(), 1, provider.List(t.Context(), s.from, ""))
			if (err != nil) != (code != exitDone) {
				t.Errorf("%d failures: %v", failures, err)
			}
			if err == nil {
				has(t, to, recs...)
			}
		})
	}
}

// A store that refuses or is full is not asked again.
func TestCopyEndsAtARefusal(t *testing.T) {
	for _, refusal := range []error{provider.ErrRefused, provider.ErrFull} {
		to := &flaky{Provider: memory.New(), failures: 1000, err: refusal}
		from := memory.New()
		fill(t, from, 10)
		c := copying{to: to, progress: &progress{}}
		if err := c.run(t.Context(), 1, provider.List(t.Context(), from, "")); !errors.Is(err, refusal) || to.failures != 999 {
			t.Errorf("%v after %d calls", err, 1000-to.failures)
		}
	}
}

type flaky struct {
	provider.Provider
	failures int
	err      error
}

func (f *flaky) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if f.failures > 0 {
		f.failures--
		return f.err
	}
	return f.Provider.Save(ctx, rec, expectVersion)
}

func TestCopyRefusesAStoreThatIsBeingMoved(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 1)
	s.do(exitDone, "move", "-yes")
	moved := s.to
	s.to = memory.New()
	says(t, s.do(exitFailed, "copy").errOut, "finish the move")
	path := filepath.Join(t.TempDir(), "x.hfb")
	if r := s.run("copy", "-from", "test:from", "-to", "backup:"+path); r.code != exitFailed || !strings.Contains(r.errOut, "finish the move") {
		t.Errorf("backup: %+v", r)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the backup is there")
	}
	// A reservation that arrived late is no record.
	put(t, moved, &provider.Record{ID: "reserved", Version: 1, Format: formatReservation, ExpiresAt: time.Now().Add(time.Minute)})
	s.from = moved
	says(t, s.do(exitDone, "copy").out, "copied, or there already 1")
}

var sealKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("s"), 32))

func TestBackup(t *testing.T) {
	for _, keys := range []string{"", sealKey} {
		s := newStores(t)
		s.env[sealsEnv] = keys
		recs := fill(t, s.from, 100)
		path := filepath.Join(t.TempDir(), "a b%.hfb")
		url := "backup://" + strings.ReplaceAll(path, "%", "%25")
		back := func(args ...string) result {
			return s.run(append([]string{"copy", "-from", url, "-to", "test:to"}, args...)...)
		}
		r := s.run("copy", "-from", "test:from", "-to", url)
		if r.code != exitDone {
			t.Fatal(r.errOut)
		}
		says(t, r.out, "copied 100 records", map[bool]string{true: "not sealed", false: "sealed; keep the keys"}[keys == ""])
		text, err := os.ReadFile(path)
		if err != nil || bytes.Contains(text, []byte("data")) != (keys == "") {
			t.Errorf("what is stored is readable, or cannot be read: %v", err)
		}
		if r := back(); r.code != exitUsage || !strings.Contains(r.errOut, "would be open again") || number(t, s.to) != 0 {
			t.Errorf("without -revive: %+v", r)
		}
		if r := back("-verify"); r.code != exitFailed || !strings.Contains(r.errOut, "100 records of -from are not the same in -to") || number(t, s.to) != 0 {
			t.Errorf("-verify before: %+v", r)
		}
		newer := recs[0].Clone()
		newer.Version++
		put(t, s.to, newer)
		if r := back("-revive"); r.code != exitDone {
			t.Errorf("restore: %+v", r)
		} else {
			says(t, r.out, "copied, or there already 99", "others are in -to 1")
		}
		has(t, s.to, newer)
		has(t, s.to, recs[1:]...)
		says(t, back("-revive", "-replace").out, "replaced others in -to 1")
		has(t, s.to, recs...)
		if r := back("-verify"); r.code != exitDone {
			t.Errorf("-verify after: %+v", r)
		} else {
			says(t, r.out, "complete: -to has every record of -from.")
		}
		// A backup is replaced only if that is asked for.
		says(t, s.run("copy", "-from", "test:from", "-to", url).errOut, "give -replace")
		if r := s.run("copy", "-replace", "-json", "-from", "test:from", "-to", url); r.code != exitDone || !strings.Contains(r.out, `{"copied":100,"bytes":`) {
			t.Errorf("-replace: %+v", r)
		}
	}
}

func TestRestoreLeavesOutWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStores(t)
		fill(t, s.from, 2)
		put(t, s.from, &provider.Record{ID: "short", Version: 1, ExpiresAt: time.Now().Add(time.Hour)})
		path := filepath.Join(t.TempDir(), "x.hfb")
		if r := s.run("copy", "-from", "test:from", "-to", "backup:"+path); r.code != exitDone {
			t.Fatal(r.errOut)
		}
		time.Sleep(time.Hour)
		r := s.run("copy", "-revive", "-json", "-from", "backup:"+path, "-to", "test:to")
		want := `{"copied":2,"replaced":0,"kept":0,"expired":1,"refused":0,"tooLarge":0,"unversioned":0,"complete":true}` + "\n"
		if r.code != exitDone || r.out != want {
			t.Errorf("got\n%s%swant\n%s", r.out, r.errOut, want)
		}
		r = s.run("copy", "-verify", "-json", "-from", "backup:"+path, "-to", "test:to")
		if want := `{"same":2,"differ":0,"missing":0,"expired":1,"complete":true}` + "\n"; r.code != exitDone || r.out != want {
			t.Errorf("got\n%s%swant\n%s", r.out, r.errOut, want)
		}
	})
}

// Of a backup that is not whole and as it was written, nothing is restored.
func TestBackupThatIsNotWhole(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 100)
	dir := t.TempDir()
	path, sealed := filepath.Join(dir, "x.hfb"), filepath.Join(dir, "sealed.hfb")
	if r := s.run("copy", "-from", "test:from", "-to", "backup:"+path); r.code != exitDone {
		t.Fatal(r.errOut)
	}
	s.env[sealsEnv] = sealKey
	if r := s.run("copy", "-from", "test:from", "-to", "backup:"+sealed); r.code != exitDone {
		t.Fatal(r.errOut)
	}
	s.env[sealsEnv] = ""
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wholeSealed, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-100] ^= 1
	otherKey := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("o"), 32))
	for name, tc := range map[string]struct {
		text []byte
		keys string
		says string
	}{
		"cut off":          {whole[:len(whole)-10], "", "its end is missing"},
		"corrupted":        {flipped, "", "damaged"},
		"something more":   {append(bytes.Clone(whole), 'x'), "", "damaged"},
		"another file":     {[]byte("PK\x03\x04"), "", "not a backup"},
		"an empty file":    {nil, "", "not a backup"},
		"no key":           {wholeSealed, "", "set HOLDFAST_SEAL_KEYS to the keys"},
		"a wrong key":      {wholeSealed, otherKey, "set HOLDFAST_SEAL_KEYS to the keys"},
		"a missing seal":   {whole, sealKey, "unset HOLDFAST_SEAL_KEYS"},
		"sealed, cut off":  {wholeSealed[:len(wholeSealed)-1], sealKey, "its end is missing"},
		"keys of no sense": {whole, "x", "HOLDFAST_SEAL_KEYS"},
	} {
		bad := filepath.Join(dir, "bad.hfb")
		if err := os.WriteFile(bad, tc.text, 0o600); err != nil {
			t.Fatal(err)
		}
		s.env[sealsEnv] = tc.keys
		for _, flag := range []string{"-revive", "-verify"} {
			r := s.run("copy", flag, "-from", "backup:"+bad, "-to", "test:to")
			if r.code != exitFailed || r.out != "" || strings.Count(r.errOut, "\n") != 1 || !strings.Contains(r.errOut, tc.says) {
				t.Errorf("%s, %s: %+v, want %q", name, flag, r, tc.says)
			}
		}
		if n := number(t, s.to); n != 0 {
			t.Fatalf("%s: -to has %d records", name, n)
		}
	}
	s.env[sealsEnv] = ""
	says(t, s.run("copy", "-revive", "-from", "backup:"+dir+"/none", "-to", "test:to").errOut, "there is no backup")
}

// A store that fails leaves no backup, and not the name of one.
func TestBackupOfAStoreThatFails(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 10)
	s.from = failing{s.from.(*memory.Provider)}
	dir := t.TempDir()
	r := s.run("copy", "-from", "test:from", "-to", "backup:"+dir+"/x.hfb")
	if r.code != exitFailed || !strings.Contains(r.errOut, errBroken.Error()) {
		t.Errorf("%+v", r)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the directory has %v; %v", left, err)
	}
}

// A copy replaces no marker of a migration: the session in the other store would be lost.
func TestCopyToAStoreThatIsBeingMoved(t *testing.T) {
	for _, flags := range [][]string{nil, {"-replace"}} {
		s := newStores(t)
		recs := fill(t, s.from, 3)
		fill(t, s.to, 3)
		elsewhere := memory.New()
		p, err := migrate.New(s.to, elsewhere, migrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.MoveAll(t.Context(), migrate.MoveOptions{}); err != nil {
			t.Fatal(err)
		}
		says(t, s.do(exitFailed, "copy", flags...).errOut, "-to: it has markers of a migration")
		if status, err := p.Status(t.Context()); err != nil || status.Marked != 3 {
			t.Errorf("%q: %+v and error %v, want 3 markers", flags, status, err)
		}
		has(t, p, recs...)
	}
}
