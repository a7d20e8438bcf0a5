package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

const (
	tokenSize         = 32  // bytes; OWASP asks for 64 bits of entropy at least
	cookieValueLength = 120 // of a signed token
	oldestValueLength = 116 // of one by a clock before September 2001: its time has a digit less

	maxCookieLength    = 4096 // name and value together; RFC 6265bis, section 5.6
	maxCookieAttribute = 1024

	// maxCandidates is how many cookies of the session's name are looked at.
	// Browsers send more than one only where an attacker, another site of the
	// domain or an old configuration has set them; each costs a signature check
	// a key, and one that is validly signed a storage trip.
	maxCandidates = 8
)

func newToken() []byte {
	token := make([]byte, tokenSize)
	_, _ = rand.Read(token) // never fails: it aborts the program instead
	return token
}

// recordID returns the ID of the record that what names within a namespace: a
// hash, so that who reads the store learns nothing that opens a session.
func recordID(kind, namespace string, what []byte) string {
	named := make([]byte, 0, 128)
	for _, part := range []string{"holdfast", kind, namespace} {
		named = append(append(named, part...), 0)
	}
	sum := sha256.Sum256(append(named, what...))
	return string(base64.RawURLEncoding.AppendEncode(named[:0], sum[:]))
}

// cookies signs tokens into cookies and finds them again.
type cookies struct {
	Cookie
	namespace string
	fixed     *keyset       // of Config.SigningKeys; nil: none
	ring      *keyring.Ring // nil: not used; one of both there is
	ringSigns bool
	current   atomic.Pointer[keyset] // of the ring
}

// identity returns the identity of the session whose cookie holds token.
func (c *cookies) identity(token []byte) identity {
	return identity{token: token, id: recordID("session", c.namespace, token)}
}

// sign returns the value of the cookie that holds token.
func (c *cookies) sign(ctx context.Context, token []byte) (string, error) {
	codec, err := c.signing(ctx)
	if err != nil {
		return "", err
	}
	return codec.Encode(c.Name, token)
}

func (c *cookies) signing(ctx context.Context) (*securecookie.SecureCookie, error) {
	if c.ring == nil {
		return c.fixed.codecs[0], nil
	}
	snapshot, at, err := c.ring.Signing(ctx)
	switch {
	case !c.ringSigns: // but the ring is there before other instances sign by it
		return c.fixed.codecs[0], nil
	case err != nil:
		return nil, err
	}
	return c.keysOf(snapshot).codecs[at], nil
}

// keysOf returns the keys of a snapshot of the ring, which may be nil: none.
func (c *cookies) keysOf(snapshot *keyring.Snapshot) *keyset {
	if set := c.current.Load(); set != nil && set.snapshot == snapshot {
		return set
	}
	var keys [][]byte
	if snapshot != nil {
		for _, key := range snapshot.Keys {
			keys = append(keys, key.Secret)
		}
	}
	set := newKeyset(snapshot, keys)
	c.current.Store(set)
	return set
}

// identify appends the sessions that the cookies of its name stand for: one for
// each distinct token that was signed by a key, and none if there are more cookies
// than are looked at.
func (c *cookies) identify(ctx context.Context, sent []string, named []identity) ([]identity, error) {
	if len(sent) > maxCandidates {
		return nil, nil
	}
	if c.fixed != nil {
		named = c.verify(c.fixed, sent, named)
	}
	if c.ring == nil || len(named) == len(sent) {
		return named, nil
	}
	return c.byRing(ctx, sent, named)
}

// byRing appends the sessions of those cookies that the ring has signed.
func (c *cookies) byRing(ctx context.Context, sent []string, named []identity) ([]identity, error) {
	snapshot, err := c.ring.Verifying(ctx)
	if err != nil && len(named) == 0 {
		return nil, err
	}
	named = c.verify(c.keysOf(snapshot), sent, named)
	if len(named) > 0 {
		return named, nil
	}
	if newer := c.ring.Refresh(ctx, snapshot); newer != snapshot {
		named = c.verify(c.keysOf(newer), sent, named)
	}
	return named, nil
}

// find returns the session whose cookie has this value, if one of keys signed it.
// What has another length than a signed value costs no look at the keys.
func (c *cookies) find(keys *keyset, value string) identity {
	if len(value) != cookieValueLength && len(value) != oldestValueLength {
		return identity{}
	}
	slot := keys.proven.slot(value)
	if who := slot.Load().identity(value); who.token != nil {
		return who
	}
	token := keys.token(c.Name, value)
	if token == nil {
		return identity{}
	}
	who := c.identity(token)
	slot.Store(&provenCookie{strings.Clone(value), who}) // value is a part of a header of up to 1 MB
	return who
}

// verify appends the sessions of those cookies that one of keys has signed. Tokens
// are compared, not cookies: base64 spells the same bytes in several ways.
func (c *cookies) verify(keys *keyset, sent []string, named []identity) []identity {
	for _, value := range sent {
		found := c.find(keys, value)
		same := func(who identity) bool { return bytes.Equal(who.token, found.token) }
		if found.token != nil && !slices.ContainsFunc(named, same) {
			named = append(named, found)
		}
	}
	return named
}

// sent appends the values of the cookies of this name in the header of a request,
// or as many as show that they are too many. It reads them as net/http does, but
// looks at no other cookies, which may be many, and leaves it to the signature to
// tell what is no value.
func (c *Cookie) sent(values []string, h http.Header) []string {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			if textproto.TrimString(name) == c.Name {
				values = append(values, unquote(value))
			}
			if len(values) > maxCandidates {
				return values
			}
		}
	}
	return values
}

func unquote(value string) string {
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}

// render returns the cookie with this value, which the browser keeps for age,
// 0 until it ends.
func (c Cookie) render(value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name:        c.Name,
		Value:       value,
		Path:        c.Path,
		Domain:      c.Domain,
		MaxAge:      int(age / time.Second),
		Secure:      !c.Insecure,
		HttpOnly:    true,
		SameSite:    c.SameSite,
		Partitioned: c.Partitioned,
	}
}

// expired returns the cookie that makes the browser drop the session's.
func (c Cookie) expired() *http.Cookie {
	cookie := c.render("", 0)
	cookie.MaxAge = -1
	return cookie
}

// put puts cookie into h, after those that clear its name elsewhere, in place of any
// other of its name. A cache that keeps the response would hand the session to
// others, whatever the handler said of caching (CVE-2023-30861 was such a case).
func put(h http.Header, cookie *http.Cookie, elsewhere []*http.Cookie) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, cookie.Name+"=")
	})
	for _, other := range elsewhere {
		h.Add("Set-Cookie", other.String())
	}
	h.Add("Set-Cookie", cookie.String()) // last, for a client to whom their scopes are one
	forbidCaching(h)
}
