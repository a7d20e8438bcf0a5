package session_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A response that is a client's error commits, unless the last that the handler has
// seen of its commits is that one failed.
func TestRuleClientErrorCommitsUnlessSaveFailed(t *testing.T) {
	save := func(want error) func(t *testing.T, w *world, s *session.Session) {
		return func(t *testing.T, w *world, s *session.Session) {
			if want != nil {
				w.onSave(refused(want))
			}
			if err := s.Save(t.Context()); (err != nil) != (want != nil) {
				t.Errorf("Save: %v", err)
			}
		}
	}
	update := func(want error) func(t *testing.T, w *world, s *session.Session) {
		return func(t *testing.T, w *world, s *session.Session) {
			if want != nil {
				w.onSave(refused(want))
			}
			if err := s.Update(t.Context(), func(s *session.Session) error { keyC.Update(s, increment); return nil }); (err != nil) != (want != nil) {
				t.Errorf("Update: %v", err)
			}
		}
	}
	changes := func(text string) func(*testing.T, *world, *session.Session) {
		return func(_ *testing.T, _ *world, s *session.Session) { set(text)(s) }
	}
	// The store is down when Update wants to know the newest session.
	unread := func(t *testing.T, w *world, s *session.Session) {
		w.onFetch(failing, failing, failing, failing)
		wantErr(t, s.Update(t.Context(), func(*session.Session) error { return nil }), session.ErrUnavailable)
	}
	ownError := func(t *testing.T, _ *world, s *session.Session) {
		wantErr(t, s.Update(t.Context(), func(*session.Session) error { return errBroken }), errBroken)
	}
	type step = func(*testing.T, *world, *session.Session)
	for _, tc := range []struct {
		rule  string
		steps []step
		want  string
	}{
		{"nothing was saved before", []step{changes("b=1")}, "a=1 b=1"},
		{"Save succeeded, then a change", []step{changes("b=1"), save(nil), changes("b=2")}, "a=1 b=2"},
		{"Update succeeded, then a change", []step{update(nil), changes("b=2")}, "a=1 b=2 c=1"},
		{"Save succeeded twice, then a change", []step{changes("b=1"), save(nil), changes("b=2"), save(nil), changes("b=3")}, "a=1 b=3"},
		{"Save of nothing succeeded, then a change", []step{save(nil), changes("b=2")}, "a=1 b=2"},
		{"Save failed, then a change", []step{changes("b=1"), save(provider.ErrFull), changes("b=2")}, "a=1"},
		{"Save failed, and succeeded", []step{changes("b=1"), save(provider.ErrFull), save(nil)}, "a=1 b=1"},
		{"Save failed, and succeeded, then a change", []step{changes("b=1"), save(provider.ErrFull), save(nil), changes("b=2")}, "a=1 b=2"},
		{"Update failed, and succeeded, then a change", []step{update(provider.ErrFull), save(nil), changes("b=2")}, "a=1 b=2 c=1"},
		{"Save succeeded, and failed, then a change", []step{changes("b=1"), save(nil), changes("b=2"), save(provider.ErrFull), changes("b=3")}, "a=1 b=1"},
		{"Update could not begin, then a change", []step{unread, changes("b=2")}, "a=1"},
		{"Update could not begin, a Save of nothing succeeded, then a change", []step{unread, save(nil), changes("b=2")}, "a=1 b=2"},
		{"the closure of an Update failed, then a change", []step{ownError, changes("b=2")}, "a=1 b=2"},
	} {
		for _, status := range []int{400, 404, 409, 499} {
			for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
				bubble(fmt.Sprintf("%s/%d/level %d", tc.rule, status, level), t, func(t *testing.T) {
					w, c, _ := begun(t, func(cfg *session.Config) { cfg.Isolation = level })
					a := c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
						for _, do := range tc.steps {
							do(t, w, s)
						}
						http.Error(rw, "of the handler's own", status)
					})
					if a.Code != status || a.asked != 0 {
						t.Errorf("got %d, ErrorHandler called %d times", a.Code, a.asked)
					}
					c.wantState(tc.want)
				})
			}
		}
	}

	t.Run("a change of the last run commits, after a run whose Save has failed", func(t *testing.T) {
		_, c, _ := begun(t)
		runs := 0
		c.send(http.MethodGet, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			if runs++; runs == 1 {
				keyA.Get(s)
				c.tab().post(set("a=7"))
				keyA.Set(s, 2)
				wantErr(t, s.Save(t.Context()), session.ErrConflict)
				return
			}
			keyB.Set(s, 1)
			http.NotFound(rw, nil)
		})
		c.wantState("a=7 b=1")
	})
}

// What a handler's own error answer leaves unsaved is dropped with an error, which the
// log tells unless the handler has seen it.
func TestRuleClientErrorAfterFailedSaveDrops(t *testing.T) {
	for _, status := range []int{404, 500} {
		w, c, _ := begun(t)
		var kept *session.Session
		c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			kept = s
			keyB.Set(s, 1)
			w.onSave(refused(provider.ErrFull))
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Save: %v", err)
			}
			rw.WriteHeader(status)
		})
		wantErr(t, kept.Save(t.Context()), session.ErrRequestDone)
		if w.log.has(slog.LevelWarn) {
			t.Errorf("%d: logged %q", status, w.log.String())
		}
		if !slices.Contains(strings.Fields(c.state()), "a=1") {
			t.Error("the session is gone")
		}
	}
}
