package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
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

	maxCookieLength    = 4096 // name and value together; RFC 6265bis, section 5.6
	maxCookieAttribute = 1024

	// maxCandidates is how many cookies of the session's name are looked at.
	// Browsers send more than one only where an attacker or an old
	// configuration has set them; each costs a signature check a key.
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
	h := sha256.New()
	for _, part := range []string{"holdfast", kind, namespace} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(what)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// cookies signs tokens into cookies and finds them again.
type cookies struct {
	Cookie
	fixed  []*securecookie.SecureCookie // of Config.SigningKeys
	ring   *keyring.Ring                // without any
	signed atomic.Pointer[ringCodecs]
}

// ringCodecs are the codecs of one snapshot of the ring.
type ringCodecs struct {
	snapshot *keyring.Snapshot
	codecs   []*securecookie.SecureCookie
}

// newCodec returns the codec of one key. The token is random bytes, which
// securecookie's default gob would only wrap, and the session's own expiry
// rules, not that of the signature.
func newCodec(key []byte) *securecookie.SecureCookie {
	codec := securecookie.New(key, nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	codec.MaxAge(0)
	codec.MaxLength(maxCookieLength)
	return codec
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
		return c.fixed[0], nil
	}
	snapshot, at, err := c.ring.Signing(ctx)
	if err != nil {
		return nil, err
	}
	return c.codecsOf(snapshot)[at], nil
}

func (c *cookies) codecsOf(snapshot *keyring.Snapshot) []*securecookie.SecureCookie {
	if snapshot == nil {
		return nil
	}
	if cached := c.signed.Load(); cached != nil && cached.snapshot == snapshot {
		return cached.codecs
	}
	fresh := &ringCodecs{snapshot: snapshot}
	for _, key := range snapshot.Keys {
		fresh.codecs = append(fresh.codecs, newCodec(key.Secret))
	}
	c.signed.Store(fresh)
	return fresh.codecs
}

// token returns the token that the cookies of the session's name hold, or nil.
// Of several the one that verifies counts; two different ones that do are a sign
// of cookie tossing, and none counts.
func (c *cookies) token(ctx context.Context, sent []*http.Cookie) ([]byte, error) {
	if len(sent) > maxCandidates {
		return nil, nil
	}
	if c.ring == nil {
		token, _ := c.verify(c.fixed, sent)
		return token, nil
	}
	snapshot, err := c.ring.Verifying(ctx)
	if err != nil {
		return nil, err
	}
	token, unknown := c.verify(c.codecsOf(snapshot), sent)
	if !unknown {
		return token, nil
	}
	if newer := c.ring.Refresh(ctx, snapshot); newer != snapshot {
		token, _ = c.verify(c.codecsOf(newer), sent)
	}
	return token, nil
}

// verify returns the one token that the cookies hold, and whether none of them
// was signed by any of codecs. Tokens are compared, not cookies: base64 spells
// the same bytes in several ways.
func (c *cookies) verify(codecs []*securecookie.SecureCookie, sent []*http.Cookie) (token []byte, unknown bool) {
	unknown = true
	for _, cookie := range sent {
		for _, codec := range codecs {
			var found []byte
			if codec.Decode(c.Name, cookie.Value, &found) != nil || len(found) != tokenSize {
				continue
			}
			if token != nil && !bytes.Equal(token, found) {
				return nil, false
			}
			token, unknown = found, false
			break
		}
	}
	return token, unknown
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

// put puts cookie into h in place of any other of its name. A cache that keeps
// the response would hand the session to others, whatever the handler said of
// caching (CVE-2023-30861 was such a case).
func put(h http.Header, cookie *http.Cookie) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, cookie.Name+"=")
	})
	h.Add("Set-Cookie", cookie.String())
	h.Set("Cache-Control", "no-store")
}

// varyByCookie adds Cookie to h's Vary, unless it is there.
func varyByCookie(h http.Header) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}

// losesSecure reports whether a browser is about to drop a Secure cookie of
// this request's answer: it came by plain HTTP to a host that is not the
// browser's own, and no proxy says that it took it by HTTPS.
func losesSecure(r *http.Request) bool {
	forwarded := strings.ReplaceAll(strings.ToLower(r.Header.Get("Forwarded")), `"`, "") // RFC 7239
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") || strings.Contains(forwarded, "proto=https") {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip == nil || !ip.IsLoopback()
}
