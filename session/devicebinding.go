package session

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/dbsc"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// DeviceBinding says whether sessions are bound to the device of their browser. See "Stolen
// cookies" in the package documentation.
type DeviceBinding int

const (
	// BindingOff binds no session. Sessions that were bound before are served without a
	// proof.
	BindingOff DeviceBinding = iota

	// BindingOffered binds the sessions of browsers that support it. Other browsers notice
	// nothing.
	BindingOffered

	// BindingRequired also refuses a session that was begun or renewed with a cookie by a
	// Renew and is not bound within DeviceBindingDeadline. Browsers that cannot bind a
	// session cannot stay signed in. It does not affect sessions that were renewed before
	// binding was configured, that were never renewed, or whose tokens came in Config.Header.
	BindingRequired
)

// BindingState says how far the binding of a session has come.
type BindingState int

// The states of a session's binding.
const (
	BindingNone    BindingState = iota // the session is not bound
	BindingPending                     // the browser was asked to register a key, and no request has proven yet that it did
	BindingBound                       // a key is registered, and requests need the bound cookie
)

// String returns "none", "pending" or "bound".
func (s BindingState) String() string {
	if s < BindingNone || s > BindingBound {
		return fmt.Sprintf("BindingState(%d)", int(s))
	}
	return [...]string{"none", "pending", "bound"}[s]
}

// Binding describes the binding of a session to the device of its browser.
type Binding struct {
	State    BindingState
	Since    time.Time // BindingBound: when the key was registered
	ProvenAt time.Time // BindingBound: when the browser last proved that it has the key
	Until    time.Time // BindingPending: the end of Config.DeviceBindingDeadline; after the registration, of the half minute without the bound cookie
}

// Binding returns the binding of the session as of its last load or save. Use it to show
// which devices are bound, and to refuse rights to a session that is not: until it is
// bound, whoever steals its cookie has the session. A session becomes bound with the first
// request after the registration that has the bound cookie. Before, it is served for half a
// minute without that cookie, because requests may be under way.
func (s *Session) Binding() Binding {
	if s.empty() {
		return Binding{}
	}
	switch b := s.transaction().Base().Fields.Binding(); {
	case b.Bound && !binding.Confirmed(&b):
		return Binding{State: BindingPending, Until: binding.ConfirmBy(&b).Std()}
	case b.Bound:
		return Binding{State: BindingBound, Since: b.Registered.Std(), ProvenAt: b.Proven.Std()}
	case b.Pending && records.Now().Before(b.Until):
		return Binding{State: BindingPending, Until: b.Until.Std()}
	}
	return Binding{}
}

const (
	defaultBindingPath     = "/device-binding/"
	defaultBindingInterval = 10 * time.Minute
	defaultBindingDeadline = time.Minute

	// minBindingInterval keeps browsers within their quota: Chromium signs six proofs of a
	// site in about nine minutes, and refreshes up to two minutes early.
	minBindingInterval = 4 * time.Minute
)

func (c *Config) setBindingDefaults() {
	setDefault(&c.DeviceBindingPath, defaultBindingPath)
	setDefault(&c.DeviceBindingInterval, defaultBindingInterval)
	setDefault(&c.DeviceBindingDeadline, defaultBindingDeadline)
	if !strings.HasSuffix(c.DeviceBindingPath, "/") {
		c.DeviceBindingPath += "/"
	}
}

func (c *Config) validateBinding() error {
	switch path := c.DeviceBindingPath; {
	case c.DeviceBinding < BindingOff || c.DeviceBinding > BindingRequired:
		return fmt.Errorf("session: DeviceBinding %d is not a valid value", c.DeviceBinding)
	case c.DeviceBinding != BindingOff && c.HeaderOnly:
		return fmt.Errorf("session: DeviceBinding needs cookies, which HeaderOnly turns off")
	case !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, notInPath):
		return fmt.Errorf("session: DeviceBindingPath %q is not the path of a URL, such as %s", path, defaultBindingPath)
	case c.DeviceBinding != BindingOff && !strings.HasPrefix(path, strings.TrimSuffix(c.Cookie.Path, "/")+"/"):
		return fmt.Errorf("session: DeviceBindingPath %q is not below Cookie.Path %q, so browsers would register no key: they would not send the cookie", path, c.Cookie.Path)
	case c.DeviceBindingInterval < minBindingInterval || c.DeviceBindingInterval > 24*time.Hour:
		return fmt.Errorf("session: DeviceBindingInterval %v is not between %v, which keeps browsers within their quota of proofs, and 24 hours", c.DeviceBindingInterval, minBindingInterval)
	case c.DeviceBindingDeadline < time.Second || c.DeviceBindingDeadline > time.Hour:
		return fmt.Errorf("session: DeviceBindingDeadline %v is not between one second and one hour", c.DeviceBindingDeadline)
	}
	return nil
}

// bindDevices turns the binding of sessions on, if it is configured.
func (m *Manager) bindDevices() {
	if m.cfg.DeviceBinding == BindingOff {
		return
	}
	m.binder = binding.New(binding.Options{
		Records: m.records, Lifetimes: m.engine.Lifetimes, Signer: m.signer, Interval: m.cfg.DeviceBindingInterval,
		RegisterPath: m.cfg.DeviceBindingPath + registerEndpoint, RefreshPath: m.cfg.DeviceBindingPath + refreshEndpoint,
	})
	m.engine.Offered = func(f envelope.Fields) envelope.Fields {
		return binding.Offered(f, records.Now().Add(m.cfg.DeviceBindingDeadline))
	}
}

// notInPath reports whether a path that is put into a header needs an escape for r.
func notInPath(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\%?#;<>`, r) }

// boundSuffix follows the name of the session's cookie in that of the bound cookie.
const boundSuffix = "-bound"

// bound returns the attributes of the cookie that holds the token of a bound session.
func (c Cookie) bound() Cookie {
	c.Name += boundSuffix
	return c
}

// attributes returns the attributes of c as in a Set-Cookie header, without Max-Age.
func (c Cookie) attributes() string {
	_, attributes, _ := strings.Cut(c.render("x", 0).String(), "; ")
	return attributes
}

// boundTokens returns the tokens that came with the request beside that of the session.
func (p *requestState) boundTokens() []string {
	if p.usesHeader || p.m.binder == nil {
		return nil
	}
	cookie := p.m.cfg.Cookie.bound()
	return cookie.allSent(nil, p.request.Header, math.MaxInt) // planted ones must not hide the browser's; they cost little
}

// skipsProof returns why the browser has sent the request without its bound cookie, or "".
func (p *requestState) skipsProof() string { return dbsc.Skipped(p.request.Header[dbsc.SkippedHeader]) }

// OffersBinding implements txn.Request.
func (p *requestState) OffersBinding() bool { return !p.usesHeader && p.m.binder != nil }

// writeBinding asks the browser to register a key, if a commit of the request has offered
// that and the session still waits for one. If the response ends the session, it clears the
// bound cookie.
func (p *requestState) writeBinding(h http.Header) {
	if p.m.binder == nil || p.usesHeader {
		return
	}
	if t := p.toSend(); t != nil && t.Value == "" {
		if len(p.boundTokens()) > 0 {
			putCookie(h, p.m.cfg.Cookie.bound().expired(), nil)
		}
		return
	}
	if tx := p.transaction(); tx != nil && tx.HasOffered() && offered(tx.Base()) {
		p.offerBinding(h, tx.PublicID())
	}
}

// offered reports whether the browser may still register a key for the session.
func offered(c *records.Content) bool {
	b := c.Fields.Binding()
	return b.Pending && records.Now().Before(b.Until)
}

// mayServe returns ErrUnproven if the session may not be served to the request.
func (m *Manager) mayServe(req request, c *records.Content) error {
	if m.binder == nil || c.Fields == "" {
		return nil
	}
	return binding.Judge(c.Fields, m.cfg.DeviceBinding == BindingRequired, req.OffersBinding(), req.boundTokens)
}

// admit returns ErrUnproven if the session may not be served to the request. If the request
// is the first one with its bound token, that is saved. Admit returns the content
// afterwards.
func (m *Manager) admit(ctx context.Context, req request, id string, c *records.Content) (*records.Content, error) {
	if err := m.mayServe(req, c); err != nil || m.binder == nil || c.Fields == "" {
		return c, err
	}
	noted, err := m.binder.Note(ctx, id, c, req.boundTokens())
	switch {
	case err != nil:
		m.cfg.Logger.Warn("session: it could not be saved that the browser has its new bound cookie; the one before is good until that is saved, or it expires",
			slog.String("public_id", id), slog.Any("error", err))
		return c, nil
	case noted != c: // others may have saved it
		return noted, m.mayServe(req, noted)
	}
	return c, nil
}

// refusal returns why a request to which a session with that content is not served may not
// begin another one by a change, or nil if it may. A request that was under way while the
// browser registered its key, or that is from a thief, must not replace the cookie of the
// browser.
func refusal(c *records.Content, unproven error) error {
	if binding.HasLiveToken(c.Fields) {
		return unproven
	}
	return nil
}
