package session_test

import (
	"net/http"
	"net/http/httptest"

	"github.com/holdfast-go/holdfast/session"
)

// carriage is the way in which the tests' visitors hold their tokens.
type carriage struct {
	inHeader string // Config.Header; "": in a cookie
	open     bool   // what post and get run is run by Open and Commit
}

// carrier is the carriage of the running test.
var carrier carriage

func (c carriage) configure(cfg *session.Config) { cfg.Header = c.inHeader }

// name returns the name of the token in a client's jar.
func (c carriage) name() string { return "session" }

// header returns the header of a response with a token.
func (c carriage) header() string {
	switch c.inHeader {
	case "":
		return "Set-Cookie"
	case "Authorization":
		return "Session-Token"
	}
	return c.inHeader
}

// attach adds the tokens of a jar to r.
func (c carriage) attach(r *http.Request, jar map[string]string) {
	switch c.inHeader {
	case "":
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	case "Authorization":
		r.Header.Set("Authorization", "Bearer "+jar[c.name()])
	default:
		r.Header.Set(c.inHeader, jar[c.name()])
	}
}

// tokens returns the tokens that a gives the visitor, "" for one that he is to forget.
func (c carriage) tokens(a *answer) map[string]string {
	all := map[string]string{}
	if c.inHeader != "" {
		for _, value := range a.Result().Header.Values(c.header()) {
			all[c.name()] = value
		}
		return all
	}
	for _, cookie := range a.Result().Cookies() {
		all[cookie.Name] = cookie.Value
		if cookie.MaxAge < 0 {
			all[cookie.Name] = ""
		}
	}
	return all
}

// commit runs fn by Open and Commit, and answers as HandlerFunc does.
func (c *client) commit(fn func(s *session.Session)) *answer {
	a := &answer{ResponseRecorder: httptest.NewRecorder()}
	token, err := c.commitToken(fn)
	if token.Changed {
		http.SetCookie(a, c.m.Cookie(token))
	}
	if a.err = err; err != nil {
		http.Error(a, err.Error(), session.StatusCode(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(a)
	return a
}

func (c *client) commitToken(fn func(s *session.Session)) (session.Token, error) {
	c.mu.Lock()
	token := c.jar[carrier.name()]
	c.mu.Unlock()
	s, err := c.m.Open(c.w.t.Context(), token)
	if err != nil {
		return session.Token{}, err
	}
	fn(s)
	return s.Commit(c.w.t.Context())
}
