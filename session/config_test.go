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
		"a negative number of runs":            {session.Config{ReplayAttempts: -1}, "ReplayAttempts"},
		"a negative size of bodies":            {session.Config{MaxReplayBody: -1}, "MaxReplayBody"},
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
