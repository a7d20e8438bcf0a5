package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/session"
)

func TestEndASession(t *testing.T) {
	s := newMemorySite(t)
	laptop, id := s.signIn("ann")
	phone, _ := s.signIn("ann")
	s.get("end-session?id="+id).want(http.StatusOK, "End this session?", "of owner ann")
	if !s.lives(laptop) {
		t.Fatal("the question has ended the session")
	}
	s.onAudit = func() {
		if !s.lives(laptop) {
			t.Error("the session has ended before the audit log had the entry")
		}
	}
	s.follow(s.post("end-session", "id", id)).want(http.StatusOK, "The session has ended.", "1 session,")
	if s.lives(laptop) || !s.lives(phone) {
		t.Error("the wrong session has ended")
	}
	if e := s.wantAudited(admin.ActionEndSession)[0]; e.PublicID != id || e.Owner != "ann" {
		t.Errorf("the entry is %+v", e)
	}
	s.onAudit = nil
	s.post("end-session", "id", id).want(http.StatusGone, "was ended a short time ago")
	s.post("end-session", "id", "none").want(http.StatusNotFound)
	s.post("end-session").want(http.StatusNotFound)
	s.wantAudited()
}

func TestEndASessionWithoutAnOwner(t *testing.T) {
	s := newMemorySite(t)
	cookie := s.visit(nil, func(sess *session.Session) { note.Set(sess, "x") })
	s.follow(s.post("end-session", "id", s.publicID(cookie))).want(http.StatusOK, "The session has ended.", "Find sessions")
	if s.lives(cookie) {
		t.Error("it lives")
	}
}

func TestEndAnOwnersSessions(t *testing.T) {
	s := newMemorySite(t)
	first, _ := s.signIn("ann")
	second, _ := s.signIn("ann")
	other, _ := s.signIn("bob")
	s.get("end-owner?owner=ann").want(http.StatusOK, "Owner ann")
	s.follow(s.post("end-owner", "owner", "ann")).want(http.StatusOK, "All sessions of this owner have ended.", "0 sessions")
	if s.lives(first) || s.lives(second) || !s.lives(other) {
		t.Error("the wrong sessions have ended")
	}
	if e := s.wantAudited(admin.ActionEndOwner)[0]; e.Owner != "ann" {
		t.Errorf("the entry is %+v", e)
	}
	s.post("end-owner").want(http.StatusBadRequest)
	s.wantAudited()
}

func TestEndSessionsByLabel(t *testing.T) {
	s := newMemorySite(t)
	in, _ := s.signIn("ann", inAcme)
	out, _ := s.signIn("bob")
	s.get("end-label?label=tenant&value=acme").want(http.StatusOK, "tenant = acme")
	s.follow(s.post("end-label", "label", "tenant", "value", "acme")).want(http.StatusOK, "All sessions with this label have ended.")
	if s.lives(in) || !s.lives(out) {
		t.Error("the wrong sessions have ended")
	}
	if e := s.wantAudited(admin.ActionEndLabel)[0]; e.LabelName != "tenant" || e.LabelValue != "acme" {
		t.Errorf("the entry is %+v", e)
	}
	s.post("end-label", "label", "tenant").want(http.StatusBadRequest)
	s.wantAudited()
}

func TestEndEverySession(t *testing.T) {
	s := newMemorySite(t, func(cfg *session.Config) {
		cfg.StoreTimeout, cfg.RevokeEverythingWithin = 3*time.Second, time.Minute
	})
	cookie, _ := s.signIn("ann")
	s.get("end-all").want(http.StatusOK, "End every session?", "end all")
	s.post("end-all").want(http.StatusUnprocessableEntity, "Nothing was done")
	s.post("end-all", "word", "END ALL").want(http.StatusUnprocessableEntity)
	if !s.lives(cookie) {
		t.Fatal("the session has ended without the word")
	}
	s.wantAudited()
	s.follow(s.post("end-all", "word", "end all")).want(http.StatusOK, "Every session has ended.")
	if s.lives(cookie) {
		t.Error("the session lives")
	}
	s.wantAudited(admin.ActionEndAll)
}

func TestEndEverySessionIsOff(t *testing.T) {
	s := newMemorySite(t)
	s.get("end-all").want(http.StatusOK, "RevokeEverythingWithin").wantNot("<form")
	s.post("end-all", "word", "end all").want(http.StatusConflict, "RevokeEverythingWithin")
	s.wantAudited()
}

func TestRotateTheSigningKey(t *testing.T) {
	s := newMemorySite(t)
	s.get("keys").want(http.StatusOK, "There are none yet.").wantNot("rotate-signing-key")
	old, _ := s.signIn("ann")
	s.get("keys").want(http.StatusOK, "signs").wantNot("will sign")
	s.get("rotate-signing-key").want(http.StatusOK, "in 15 minutes")
	s.follow(s.post("rotate-signing-key")).want(http.StatusOK, "There is a new signing key.", "will sign", "in 1")
	s.wantAudited(admin.ActionRotateKeys)
	s.get("rotate-signing-key").want(http.StatusOK, "does not sign yet").wantNot("<form")
	s.post("rotate-signing-key").want(http.StatusConflict, "does not sign yet")
	s.wantAudited()
	if keys, err := s.m.SigningKeys(t.Context()); len(keys) != 2 || err != nil || !s.lives(old) {
		t.Errorf("there are %+v, %v", keys, err)
	}
}

func TestKeysOfTheConfig(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	s := newMemorySite(t, func(cfg *session.Config) { cfg.SigningKeys = [][]byte{key} })
	s.get("keys").want(http.StatusOK, "Config.SigningKeys", "signs").wantNot("rotate-signing-key", string(key))
	s.post("rotate-signing-key").want(http.StatusConflict, "Change them in the program")
	s.wantAudited()
}

// An act that the audit log does not know of is not carried out.
func TestAnErrorOfTheAuditPreventsTheAct(t *testing.T) {
	s := newMemorySite(t, func(cfg *session.Config) {
		cfg.StoreTimeout, cfg.RevokeEverythingWithin = 3*time.Second, time.Minute
	})
	cookie, id := s.signIn("ann", inAcme)
	s.auditErr = errAudit
	for act := range actsOf(id) {
		s.post(act, "word", "end all").want(http.StatusInternalServerError, "Nothing was done").wantNot("secret of ann")
		s.mu.Lock()
		asked := len(s.entries)
		s.mu.Unlock()
		if asked != 1 {
			t.Errorf("%s: %d entries", act, asked)
		}
		s.entries = nil
	}
	if !s.lives(cookie) {
		t.Error("the session has ended")
	}
	if keys, err := s.m.SigningKeys(t.Context()); len(keys) != 1 || err != nil {
		t.Errorf("there are %d keys, %v", len(keys), err)
	}
	if !strings.Contains(s.log.String(), errAudit.Error()) {
		t.Errorf("the log has %s", s.log.String())
	}
}

func TestWithoutAnAuditTheLogHasTheEntry(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann")
	s.withoutAudit()
	s.post("end-session", "id", id).want(http.StatusSeeOther)
	for _, want := range []string{"end_session", "olga", id, "ann"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %q: %s", want, s.log.String())
		}
	}
}

func TestValuesAreHiddenUntilAskedFor(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann", func(sess *session.Session) { basket.Set(sess, map[string]int{"anchor": 2}) })
	s.get("session?id="+id).want(http.StatusOK, "note", "text", "basket", "map of 1", "hidden").wantNot("secret of ann", "anchor")
	s.get("values?id="+id).want(http.StatusOK, "the visitor’s data").wantNot("secret of ann", "anchor")
	s.wantAudited()
	s.post("values", "id", id).want(http.StatusOK, `"secret of ann"`, `"anchor": 2`, "The audit log has an entry.")
	if e := s.wantAudited(admin.ActionShowValues)[0]; e.PublicID != id || e.Owner != "ann" {
		t.Errorf("the entry is %+v", e)
	}
}

func TestASessionThatWasRenewed(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann")
	cookie = s.visit(cookie, func(sess *session.Session) { sess.Renew() })
	s.get("session?id="+id).want(http.StatusGone, "goes on under another public ID").want(http.StatusGone, "Show the session")
	s.get("session?id="+s.publicID(cookie)).want(http.StatusOK, "ann")
}

func TestTokensAreNeverShown(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann", inAcme)
	for _, page := range pagesOf(id) {
		s.get(page).wantNot(cookie.Value)
	}
	s.post("values", "id", id).wantNot(cookie.Value)
}
