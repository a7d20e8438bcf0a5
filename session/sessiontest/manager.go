package sessiontest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// storeTimeout is the default of Config.StoreTimeout.
const storeTimeout = 3 * time.Second

// NewManager returns a Manager with a store of its own, which keeps its sessions in
// memory until the test ends. At most one Config may be given. NewManager changes it as
// follows, and uses the other fields as they are:
//
//   - Cookie.Insecure is set, so that the cookie jar of an http.Client keeps the cookie for
//     the URL of httptest.NewServer. A Cookie whose Name, SameSite or Partitioned requires
//     Secure stays as it is; test it with httptest.NewTLSServer.
//   - If SigningKeys is empty, the cookies are signed with a random key. KeyRing is ignored.
//   - If Logger is nil, log lines go to the output of the test, like those of tb.Log.
//
// If the Config is not valid, NewManager ends the test by tb.Fatal.
func NewManager(tb testing.TB, cfg ...session.Config) *session.Manager {
	tb.Helper()
	if len(cfg) > 1 {
		tb.Fatalf("sessiontest: NewManager takes one Config, not %d", len(cfg))
	}
	var c session.Config
	if len(cfg) == 1 {
		c = cfg[0]
	}
	s := newStore()
	c.KeyRing = session.KeyRingAuto
	if len(c.SigningKeys) == 0 {
		c.SigningKeys = [][]byte{randomKey()}
	}
	if !needsSecure(c.Cookie) {
		c.Cookie.Insecure = true
	}
	if c.StoreTimeout == 0 {
		c.StoreTimeout = storeTimeout
	}
	if c.Logger == nil {
		s.log = newTestLog(tb)
		c.Logger = s.log.logger()
	}
	s.timeout = c.StoreTimeout
	m, err := session.New(s, c)
	if err != nil {
		tb.Fatalf("sessiontest: NewManager: %v", err)
	}
	stores.Store(m, s)
	tb.Cleanup(func() { stores.Delete(m) })
	return m
}

// stores holds the *store of each *session.Manager that NewManager has made, until its
// test ends.
var stores sync.Map

// storeOf returns the store of m, or nil if NewManager has not made m.
func storeOf(m *session.Manager) *store {
	s, _ := stores.Load(m)
	found, _ := s.(*store)
	return found
}

func randomKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}

// needsSecure reports whether browsers drop the cookie if it is not Secure (RFC 6265bis).
func needsSecure(c session.Cookie) bool {
	name := strings.ToLower(c.Name)
	for _, prefix := range []string{"__host-", "__secure-", "__http-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return c.Partitioned || c.SameSite == http.SameSiteNoneMode
}
