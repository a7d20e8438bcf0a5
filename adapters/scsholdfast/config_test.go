package scsholdfast_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/session"
)

func TestMistakes(t *testing.T) {
	for want, mistake := range map[string]func(m manager){
		"Store is nil":        func(m manager) { m.Store = nil },
		"Codec is nil":        func(m manager) { m.Codec = nil },
		"Lifetime 0s":         func(m manager) { m.Lifetime = 0 },
		"400 days":            func(m manager) { m.Lifetime = 401 * 24 * time.Hour },
		"IdleTimeout -1s":     func(m manager) { m.IdleTimeout = -time.Second },
		"Cookie.SameSite":     func(m manager) { m.Cookie.SameSite = http.SameSiteNoneMode },
		"Cookie.Partitioned":  func(m manager) { m.Cookie.Partitioned = true },
		"Path":                func(m manager) { m.Cookie.Path = "x" },
		"__Host-a":            func(m manager) { m.Cookie.Name = "__Host-a" },
		"Import.Store is nil": func(m manager) { m.Import = &scsholdfast.Import{} },
		"Config.Cookie must":  func(m manager) { m.Config.Cookie.Name = "x" },
		"Config.Lifetime":     func(m manager) { m.Config.Lifetime = time.Hour },
		"Config.Header and":   func(m manager) { m.Config.Header = "X-Session" },
		"SigningKeys[0]":      func(m manager) { m.Config.SigningKeys = [][]byte{{1}} },
	} {
		m, _ := newManager(t)
		mistake(m)
		_, err := m.Manager()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, loadErr := m.Load(context.Background(), ""); fmt.Sprint(loadErr) != fmt.Sprint(err) {
			t.Errorf("Load: %v", loadErr)
		}
		var got error
		m.ErrorFunc = func(_ http.ResponseWriter, _ *http.Request, err error) { got = err }
		called := false
		app(t, m, func(http.ResponseWriter, *http.Request) { called = true }).do("GET", "/")
		if called || fmt.Sprint(got) != fmt.Sprint(err) {
			t.Errorf("LoadAndSave: %v, handler called %v", got, called)
		}
	}
}

// Fields may be set after LoadAndSave, until the first request.
func TestFieldsAreSetUntilTheFirstRequest(t *testing.T) {
	m := scsholdfast.NewSession()
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "a", 1) })
	m.Cookie.Secure = true
	m.Lifetime = time.Hour
	m.Config.Isolation = session.LevelStrict
	v.get("/")
	if !v.cookie.Secure || v.cookie.MaxAge > 3601 {
		t.Errorf("cookie %v", v.cookie)
	}
	m.Cookie.Name = "late"
	if v.do("GET", "/"); v.cookie.Name != "session" {
		t.Error("a field that was set late has an effect")
	}
}
