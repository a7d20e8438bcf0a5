package dbsctest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Browser keeps cookies, registers a key when a response asks for it, and refreshes the
// bound cookie before a request that would lack it, as Chromium does. It calls handlers
// in the process, so that it works in the bubble of testing/synctest. It is for one
// goroutine.
type Browser struct {
	Device   *Device
	Cookies  map[string]*http.Cookie // by name; Expires is when the browser drops it
	Sessions []*Session

	Refreshes []*http.Response // the answers to all refreshes
	Skip      string           // why it refreshes nothing; "": it does
}

// Session is a session that the browser has registered.
type Session struct {
	ID         string
	RefreshURL string
	Cookie     string // the name of the bound cookie
	Challenge  string // the last one; "": none
}

// New returns a browser on a new device.
func New() *Browser { return &Browser{Device: NewDevice(), Cookies: map[string]*http.Cookie{}} }

// Thief returns a client with copies of the browser's cookies, and a device of its own.
func (b *Browser) Thief() *Browser {
	thief := New()
	for name, c := range b.Cookies {
		copied := *c
		thief.Cookies[name] = &copied
	}
	return thief
}

// Do sends a request, and before and after it what the protocol asks for. It follows no
// redirect.
func (b *Browser) Do(h http.Handler, method, url string) *http.Response {
	var skipped []string
	for _, s := range b.Sessions {
		if b.has(s.Cookie) {
			continue
		}
		if why := b.refresh(h, s); why != "" {
			skipped = append(skipped, why+`;session_identifier="`+s.ID+`"`)
		}
	}
	r := httptest.NewRequest(method, url, nil)
	if skipped != nil {
		r.Header.Set("Secure-Session-Skipped", strings.Join(skipped, ", "))
	}
	res := b.Send(h, r)
	b.register(h, res)
	return res
}

// Send sends r with the cookies, and keeps those of the answer.
func (b *Browser) Send(h http.Handler, r *http.Request) *http.Response {
	for name := range b.Cookies {
		if b.has(name) {
			r.AddCookie(b.Cookies[name])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		switch {
		case c.MaxAge < 0:
			delete(b.Cookies, c.Name)
			continue
		case c.MaxAge > 0:
			c.Expires = time.Now().Add(time.Duration(c.MaxAge) * time.Second)
		}
		b.Cookies[c.Name] = c
	}
	b.learn(res)
	return res
}

// has reports whether the browser has a cookie of that name.
func (b *Browser) has(name string) bool {
	c := b.Cookies[name]
	return c != nil && (c.MaxAge == 0 || time.Now().Before(c.Expires))
}

var (
	registration = regexp.MustCompile(`^\(ES256 RS256\);path="([^"]*)";challenge="([^"]*)"$`)
	challenge    = regexp.MustCompile(`^"([^"]*)";id="([^"]*)"$`)
)

// learn keeps the challenge of an answer.
func (b *Browser) learn(res *http.Response) {
	found := challenge.FindStringSubmatch(res.Header.Get("Secure-Session-Challenge"))
	if found == nil {
		return
	}
	for _, s := range b.Sessions {
		if s.ID == found[2] {
			s.Challenge = found[1]
		}
	}
}

// register registers the key if the answer asks for it. It returns the answer to that, or
// nil.
func (b *Browser) register(h http.Handler, res *http.Response) *http.Response {
	found := registration.FindStringSubmatch(res.Header.Get("Secure-Session-Registration"))
	if found == nil || b.Device == nil {
		return nil
	}
	return b.Register(h, found[1], b.Device.Register(found[2]))
}

// Register sends the proof of a registration.
func (b *Browser) Register(h http.Handler, path, proof string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("Secure-Session-Response", proof)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res := b.Send(h, r)
	if res.StatusCode != http.StatusOK {
		return res
	}
	var instructions struct {
		ID      string `json:"session_identifier"`
		Refresh string `json:"refresh_url"`
		Cookies []struct {
			Name string `json:"name"`
		} `json:"credentials"`
	}
	if err := json.NewDecoder(res.Body).Decode(&instructions); err != nil {
		panic(err)
	}
	b.Sessions = slices.DeleteFunc(b.Sessions, func(s *Session) bool { return s.ID == instructions.ID }) // it registered another key
	b.Sessions = append(b.Sessions, &Session{ID: instructions.ID, RefreshURL: instructions.Refresh, Cookie: instructions.Cookies[0].Name})
	b.learn(res)
	return res
}

// refresh refreshes the bound cookie of s. It returns why that has failed, "" if it has
// not or if the session has ended.
func (b *Browser) refresh(h http.Handler, s *Session) (skipped string) {
	if b.Skip != "" {
		return b.Skip
	}
	proof := ""
	if s.Challenge != "" {
		proof = b.Device.Prove(s.Challenge)
	}
	for range 5 {
		res := b.Refresh(h, s, proof)
		switch {
		case res.StatusCode == http.StatusForbidden && res.Header.Get("Secure-Session-Challenge") != "":
			proof = b.Device.Prove(s.Challenge)
			continue
		case res.StatusCode >= 500:
			return "server_error"
		case res.StatusCode == http.StatusOK:
			return ""
		}
		break
	}
	b.Forget(s)
	return ""
}

// Refresh sends a refresh of s with that proof, or without one if it is "".
func (b *Browser) Refresh(h http.Handler, s *Session, proof string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, s.RefreshURL, nil)
	r.Header.Set("Sec-Secure-Session-Id", s.ID)
	if proof != "" {
		r.Header.Set("Secure-Session-Response", proof)
	}
	res := b.Send(h, r)
	b.Refreshes = append(b.Refreshes, res)
	return res
}

// Forget removes s from the sessions of the browser.
func (b *Browser) Forget(s *Session) {
	for i := range b.Sessions {
		if b.Sessions[i] == s {
			b.Sessions = append(b.Sessions[:i:i], b.Sessions[i+1:]...)
			return
		}
	}
}
