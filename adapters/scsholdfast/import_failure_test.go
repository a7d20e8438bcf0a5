package scsholdfast_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// An old session that cannot be deleted is imported once all the same.
func TestImportIfDeleteFails(t *testing.T) {
	m, _, old := newImporting(t)
	old.deleteErr = errors.New("broken")
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	first, second := show(t, m, token), show(t, m, token)
	first.get("/put")
	if got := second.get("/"); got != "a=1 c=3 " {
		t.Errorf("the second request has %q", got)
	}
	old.deleteErr = nil
	if show(t, m, token).get("/"); len(old.sessions) > 0 {
		t.Error("the old session was not deleted later")
	}
}

// A visitor who goes away does not stop the import.
func TestVisitorGoesAwayDuringTheImport(t *testing.T) {
	m, _, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	ctx, cancel := context.WithCancel(context.Background())
	old.beforeFind = cancel
	_, _ = m.Load(ctx, token)
	if len(old.sessions) > 0 {
		t.Error("the old session is still there")
	}
	if got := show(t, m, token).get("/"); got != "a=1 " {
		t.Errorf("the visitor has %q", got)
	}
}

func TestImportErrors(t *testing.T) {
	m, s, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	status := func() int { return show(t, m, token).do("GET", "/").StatusCode }
	old.findErr = errors.New("broken")
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("Find fails: status %d", got)
	}
	if _, err := m.Load(context.Background(), token); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Load: %v", err)
	}
	old.findErr = nil
	s.broken.Store(true)
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("the new store fails: status %d", got)
	}
	s.broken.Store(false)
	whole := old.sessions[token]
	old.sessions[token] = []byte("damaged")
	if got := status(); got != http.StatusInternalServerError {
		t.Errorf("the old session does not decode: status %d", got)
	}
	old.sessions[token] = whole
	if got := show(t, m, token).get("/"); got != "a=1 " {
		t.Errorf("afterwards the visitor has %q", got)
	}
}

// An import whose claim may or may not be stored is repeated, and none is signed out.
func TestImportIfTheClaimFails(t *testing.T) {
	for _, stored := range []bool{false, true} {
		m, s, old := newImporting(t)
		f := &claimFailure{store: s, stored: stored, left: 2}
		m.Store = f
		token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
		v := show(t, m, token)
		if res := v.do("GET", "/"); res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) > 0 {
			t.Errorf("stored %v: status %d, cookies %v", stored, res.StatusCode, res.Cookies())
		}
		if got := v.get("/"); got != "a=1 " {
			t.Errorf("stored %v: the visitor has %q", stored, got)
		}
	}
}

// claimFailure is a store whose first Saves of a claim fail, before or after they have
// stored it.
type claimFailure struct {
	*store
	stored bool
	left   int
}

func (f *claimFailure) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec.Format != "scs import" || f.left == 0 {
		return f.store.Save(ctx, rec, expectVersion)
	}
	f.left--
	if f.stored {
		if err := f.store.Save(ctx, rec, expectVersion); err != nil {
			return err
		}
	}
	return errBroken
}
