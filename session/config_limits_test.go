package session_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Each bound of a Config: what is just within it is taken, what is just beyond is not.
func TestConfigLimits(t *testing.T) {
	const (
		ns       = time.Nanosecond
		day      = 24 * time.Hour
		maxPlace = 4096 // entries of an owner index
	)
	cookie := func(c session.Cookie) session.Config { return session.Config{Cookie: c} }
	domain := func(size int) session.Cookie { // labels of one letter
		return session.Cookie{Domain: strings.Repeat("a.", size/2) + strings.Repeat("b", size%2)}
	}
	for bound, c := range map[string]struct {
		within, beyond session.Config
		want           string // in the message
	}{
		"the bytes of a signing key": {
			session.Config{SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 32)}},
			session.Config{SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 31)}},
			"31 bytes",
		},
		"an hour of SigningKeyRotation": {
			session.Config{SigningKeyRotation: time.Hour},
			session.Config{SigningKeyRotation: time.Hour - ns},
			"SigningKeyRotation",
		},
		"IdleTimeout over zero": {
			session.Config{IdleTimeout: ns},
			session.Config{IdleTimeout: -ns},
			"IdleTimeout",
		},
		"Lifetime from IdleTimeout on": {
			session.Config{IdleTimeout: time.Hour, Lifetime: time.Hour},
			session.Config{IdleTimeout: time.Hour, Lifetime: time.Hour - ns},
			"Lifetime",
		},
		"TouchInterval over zero": {
			session.Config{TouchInterval: ns},
			session.Config{TouchInterval: -ns},
			"TouchInterval",
		},
		"TouchInterval up to IdleTimeout": {
			session.Config{IdleTimeout: time.Hour, TouchInterval: time.Hour},
			session.Config{IdleTimeout: time.Hour, TouchInterval: time.Hour + ns},
			"TouchInterval",
		},
		"PersistLifetime from Lifetime on": {
			session.Config{Lifetime: 2 * time.Hour, PersistLifetime: 2 * time.Hour},
			session.Config{Lifetime: 2 * time.Hour, PersistLifetime: 2*time.Hour - ns},
			"PersistLifetime",
		},
		"PersistLifetime up to 400 days": {
			session.Config{PersistLifetime: 400 * day},
			session.Config{PersistLifetime: 400*day + ns},
			"400 days",
		},
		"PersistIdleTimeout from IdleTimeout on": {
			session.Config{IdleTimeout: time.Hour, PersistIdleTimeout: time.Hour},
			session.Config{IdleTimeout: time.Hour, PersistIdleTimeout: time.Hour - ns},
			"PersistIdleTimeout",
		},
		"Isolation from LevelMerge on": {
			session.Config{Isolation: session.LevelMerge},
			session.Config{Isolation: session.LevelMerge - 1},
			"Isolation",
		},
		"Isolation up to LevelStrict": {
			session.Config{Isolation: session.LevelStrict},
			session.Config{Isolation: session.LevelStrict + 1},
			"Isolation",
		},
		"a Namespace of all but NUL": {
			session.Config{Namespace: "\x01 \xff é"},
			session.Config{Namespace: "\x00"},
			"Namespace",
		},
		"OwnerLimit up to what is listed": {
			session.Config{OwnerLimit: maxPlace},
			session.Config{OwnerLimit: maxPlace + 1},
			"OwnerLimit",
		},
		"MaxSize over zero":        {session.Config{MaxSize: 1}, session.Config{MaxSize: -1}, "MaxSize"},
		"StoreTimeout over zero":   {session.Config{StoreTimeout: ns}, session.Config{StoreTimeout: -ns}, "StoreTimeout"},
		"ReplayAttempts over zero": {session.Config{ReplayAttempts: 1}, session.Config{ReplayAttempts: -1}, "ReplayAttempts"},
		"MaxReplayBody over zero":  {session.Config{MaxReplayBody: 1}, session.Config{MaxReplayBody: -1}, "MaxReplayBody"},

		"SameSite from Lax on": {
			cookie(session.Cookie{SameSite: http.SameSiteLaxMode}),
			cookie(session.Cookie{SameSite: http.SameSiteDefaultMode}), "SameSite",
		},
		"SameSite up to None": {
			cookie(session.Cookie{SameSite: http.SameSiteNoneMode}),
			cookie(session.Cookie{SameSite: http.SameSiteNoneMode + 1}), "SameSite",
		},
		"a second of MaxAge": {
			cookie(session.Cookie{MaxAge: time.Second}),
			cookie(session.Cookie{MaxAge: time.Second - ns}), "MaxAge",
		},
		"MaxAge from zero on": {
			cookie(session.Cookie{MaxAge: 0}),
			cookie(session.Cookie{MaxAge: -time.Second}), "MaxAge",
		},
		"MaxAge up to 400 days": {
			cookie(session.Cookie{MaxAge: 400 * day}),
			cookie(session.Cookie{MaxAge: 400*day + ns}), "MaxAge",
		},
		"4096 bytes of name and value": {
			cookie(session.Cookie{Name: strings.Repeat("n", 4096-120)}),
			cookie(session.Cookie{Name: strings.Repeat("n", 4096-119)}), "4096 bytes",
		},
		"1024 bytes of Path": {
			cookie(session.Cookie{Path: "/" + strings.Repeat("p", 1023)}),
			cookie(session.Cookie{Path: "/" + strings.Repeat("p", 1024)}), "1024 bytes",
		},
		"253 bytes of Domain": { // DNS, before the browsers' 1024
			cookie(domain(253)),
			cookie(domain(257)), "Domain",
		},
		"a Path that is / with __Host-": {
			cookie(session.Cookie{Name: "__Host-s", Path: "/"}),
			cookie(session.Cookie{Name: "__Host-s", Path: "/a"}), "with a Path",
		},
		"a Path that begins with /": {
			cookie(session.Cookie{Path: "/a"}),
			cookie(session.Cookie{Path: "a"}), "does not begin with /",
		},
		"a name that only looks like a prefix, without Secure": {
			cookie(session.Cookie{Name: "__Hosts", Insecure: true}),
			cookie(session.Cookie{Name: "__Host-", Insecure: true}), "without Secure",
		},
	} {
		t.Run(bound, func(t *testing.T) {
			if _, err := session.New(memory.New(), c.within); err != nil {
				t.Errorf("within: %v", err)
			}
			if _, err := session.New(memory.New(), c.beyond); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("beyond: %v; want an error that says %q", err, c.want)
			}
		})
	}
}
