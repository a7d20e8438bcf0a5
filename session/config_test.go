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

func TestConfigMistakes(t *testing.T) {
	cases := map[string]struct {
		cfg  session.Config
		want string // in the message
	}{
		"a short signing key":                  {session.Config{SigningKeys: [][]byte{make([]byte, 32), make([]byte, 31)}}, "SigningKeys[1] has 31 bytes"},
		"a ring beside no keys":                {session.Config{KeyRing: session.KeyRingSigns}, "KeyRing"},
		"an unknown use of the ring":           {session.Config{SigningKeys: [][]byte{make([]byte, 32)}, KeyRing: 3}, "KeyRing"},
		"a rotation that never ends":           {session.Config{SigningKeyRotation: time.Second}, "SigningKeyRotation"},
		"a namespace with a NUL":               {session.Config{Namespace: "a\x00b"}, "Namespace"},
		"a limit of more than can be listed":   {session.Config{OwnerLimit: 4097}, "OwnerLimit"},
		"a negative idle timeout":              {session.Config{IdleTimeout: -1}, "IdleTimeout"},
		"a lifetime under the idle timeout":    {session.Config{IdleTimeout: 2 * time.Hour, Lifetime: time.Hour}, "Lifetime"},
		"a touch interval over the window":     {session.Config{TouchInterval: 2 * time.Hour}, "TouchInterval"},
		"a negative touch interval":            {session.Config{TouchInterval: -1}, "TouchInterval"},
		"a cap under the lifetime":             {session.Config{Lifetime: 2 * time.Hour, PersistLifetime: time.Hour}, "PersistLifetime"},
		"a persistent session idle for less":   {session.Config{PersistIdleTimeout: time.Minute, IdleTimeout: time.Hour}, "PersistIdleTimeout"},
		"a cap over what browsers keep":        {session.Config{PersistLifetime: 401 * 24 * time.Hour}, "400 days"},
		"an unknown isolation level":           {session.Config{Isolation: 3}, "Isolation"},
		"a negative size":                      {session.Config{MaxSize: -1}, "MaxSize"},
		"a negative timeout of the store":      {session.Config{StoreTimeout: -1}, "StoreTimeout"},
		"a negative interval of watching":      {session.Config{WatchInterval: -1}, "WatchInterval"},
		"a negative age of copies":             {session.Config{ReadCache: session.ReadCache{MaxStale: -1}}, "ReadCache.MaxStale"},
		"copies that never grow old":           {session.Config{ReadCache: session.ReadCache{MaxStale: 2 * time.Hour}}, "ReadCache.MaxStale"},
		"memory for no copies":                 {session.Config{ReadCache: session.ReadCache{MaxStale: time.Second, MaxBytes: 1000}}, "ReadCache.MaxBytes"},
		"a negative number of runs":            {session.Config{ReplayAttempts: -1}, "ReplayAttempts"},
		"a negative size of bodies":            {session.Config{MaxReplayBody: -1}, "MaxReplayBody"},
		"all data of the site":                 {session.Config{ClearSiteData: []string{"cache", "*"}}, "name each of"},
		"data of the site of no type":          {session.Config{ClearSiteData: []string{"\"cache\""}}, "without quotes"},
		"data of the site twice":               {session.Config{ClearSiteData: []string{"cache", "storage", "cache"}}, "twice"},
		"a codec without a name":               {session.Config{Codec: namelessCodec{session.JSON()}}, "Codec"},
		"__Host- without Secure":               {session.Config{Cookie: session.Cookie{Name: "__Host-s", Insecure: true}}, "without Secure"},
		"__Secure- without Secure":             {session.Config{Cookie: session.Cookie{Name: "__Secure-s", Insecure: true}}, "without Secure"},
		"__Http- without Secure":               {session.Config{Cookie: session.Cookie{Name: "__Http-s", Insecure: true}}, "without Secure"},
		"__Host-Http- without Secure":          {session.Config{Cookie: session.Cookie{Name: "__Host-Http-s", Insecure: true}}, "without Secure"},
		"__Host-Http- with a Domain":           {session.Config{Cookie: session.Cookie{Name: "__Host-Http-s", Domain: "example.org"}}, "with a Domain"},
		"a prefix in another case":             {session.Config{Cookie: session.Cookie{Name: "__sEcUrE-s", Insecure: true}}, "without Secure"},
		"__Host- in another case":              {session.Config{Cookie: session.Cookie{Name: "__hOsT-s", Insecure: true}}, "without Secure"},
		"__Host- with a Domain":                {session.Config{Cookie: session.Cookie{Name: "__Host-s", Domain: "example.org"}}, "with a Domain"},
		"__Host- with a Path":                  {session.Config{Cookie: session.Cookie{Name: "__Host-s", Path: "/app"}}, "with a Path"},
		"a path without a slash":               {session.Config{Cookie: session.Cookie{Path: "app"}}, "does not begin with /"},
		"SameSite=None without Secure":         {session.Config{Cookie: session.Cookie{SameSite: http.SameSiteNoneMode, Insecure: true}}, "SameSite"},
		"SameSite default mode":                {session.Config{Cookie: session.Cookie{SameSite: http.SameSiteDefaultMode}}, "SameSite"},
		"Partitioned without Secure":           {session.Config{Cookie: session.Cookie{Partitioned: true, Insecure: true}}, "Partitioned"},
		"a Max-Age over what browsers keep":    {session.Config{Cookie: session.Cookie{MaxAge: 401 * 24 * time.Hour}}, "MaxAge"},
		"a Max-Age that rounds to none":        {session.Config{Cookie: session.Cookie{MaxAge: time.Millisecond}}, "MaxAge"},
		"a name that is no token":              {session.Config{Cookie: session.Cookie{Name: "my session"}}, "invalid Cookie.Name"},
		"a domain that is none":                {session.Config{Cookie: session.Cookie{Domain: "exa mple"}}, "invalid Cookie.Domain"},
		"a path with a semicolon":              {session.Config{Cookie: session.Cookie{Path: "/a;b"}}, "in Cookie.Path"},
		"a name over what browsers keep":       {session.Config{Cookie: session.Cookie{Name: strings.Repeat("n", 4096-119)}}, "4096 bytes"},
		"an attribute over what browsers keep": {session.Config{Cookie: session.Cookie{Path: "/" + strings.Repeat("p", 1024)}}, "1024 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := session.New(memory.New(), c.cfg)
			if err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an error that says %q", err, c.want)
			}
		})
	}
}

type namelessCodec struct{ session.Codec }

func (namelessCodec) Name() string { return "" }

func TestConfigReportsEveryMistakeAtOnce(t *testing.T) {
	_, err := session.New(nil, session.Config{IdleTimeout: -1, MaxSize: -1, Cookie: session.Cookie{Path: "x", Partitioned: true, Insecure: true}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"provider", "IdleTimeout", "MaxSize", "Path", "Partitioned"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestConfigIsCopied(t *testing.T) {
	key := bytes.Repeat([]byte("k"), 32)
	keys := [][]byte{key}
	store := memory.New()
	before, err := session.New(store, session.Config{SigningKeys: keys})
	if err != nil {
		t.Fatal(err)
	}
	cookie := cookieOf(t, before)
	clear(key)
	keys[0] = nil
	if !knows(before, cookie) {
		t.Error("changing the slice after New changed the Manager")
	}
}

func TestConfigDefaultsFitWhatIsSet(t *testing.T) {
	for name, cfg := range map[string]session.Config{
		"a short lifetime":      {Lifetime: time.Minute},
		"a short cap":           {PersistLifetime: time.Minute},
		"a short idle cap":      {PersistIdleTimeout: time.Minute},
		"a long idle timeout":   {IdleTimeout: 100 * 24 * time.Hour},
		"a long lifetime":       {Lifetime: 100 * 24 * time.Hour},
		"a path":                {Cookie: session.Cookie{Path: "/app"}},
		"plain HTTP":            {Cookie: session.Cookie{Insecure: true}},
		"a domain":              {Cookie: session.Cookie{Domain: "example.org"}},
		"nothing":               {},
		"a short touch or less": {TouchInterval: time.Nanosecond},
	} {
		if _, err := session.New(memory.New(), cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// For each bound of a Config, the value just within it is accepted and the value just
// beyond it is not.
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
