package session

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/dbsc"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// The endpoints below Config.DeviceBindingPath.
const (
	registerEndpoint = "register"
	refreshEndpoint  = "refresh"
)

// DeviceBinding returns the handler of the two endpoints at which browsers register a key
// and prove that they have it. Mount it for POST at Config.DeviceBindingPath, outside of CSRF
// protection, rate limits and redirects to a login page: a browser that gets a 4xx answer
// there takes its binding for ended. It panics if Config.DeviceBinding is off.
func (m *Manager) DeviceBinding() http.Handler {
	m.check()
	if m.binder == nil {
		panic("session: Manager.DeviceBinding needs Config.DeviceBinding")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, endpoint := w.Header(), path.Base(r.URL.Path)
		forbidCaching(h)
		switch {
		case endpoint != registerEndpoint && endpoint != refreshEndpoint:
			http.NotFound(w, r)
		case r.Method != http.MethodPost:
			h.Set("Allow", http.MethodPost)
			http.Error(w, "This endpoint is for browsers, which POST to it.", http.StatusMethodNotAllowed)
		case endpoint == registerEndpoint:
			m.register(w, r)
		default:
			m.refresh(w, r)
		}
	})
}

// register answers a browser that registers a key for the session of its cookie.
func (m *Manager) register(w http.ResponseWriter, r *http.Request) {
	event := m.engine.Observer.Begin(observe.Bind)
	bound, err := m.registerKey(r)
	event.PublicID, event.Err = bound.PublicID, err
	m.engine.Observer.End(r.Context(), event)
	if err != nil {
		m.refuseDevice(w, r, err, registrationStatus(err))
		return
	}
	m.answerBound(w, r, bound)
}

func (m *Manager) registerKey(r *http.Request) (binding.Bound, error) {
	ctx := r.Context()
	sent := m.cfg.Cookie.sent(nil, r.Header)
	found, err := m.verify(ctx, sent[:min(len(sent), maxCandidates)])
	if err != nil {
		return binding.Bound{}, err
	}
	err = records.ErrEnded
	for _, who := range found { // of several cookies, the challenge is for one
		var bound binding.Bound
		bound, err = m.binder.Register(ctx, who.ID, dbsc.Item(r.Header.Get(dbsc.ResponseHeader)))
		if !errors.Is(err, binding.ErrChallenge) {
			bound.PublicID = who.ID
			return bound, err
		}
	}
	return binding.Bound{}, err
}

// verify returns the sessions that the tokens stand for.
func (m *Manager) verify(ctx context.Context, sent []string) ([]token.Identity, error) {
	ctx, call := m.records.Context(ctx, m.deadline(ctx))
	defer call.End()
	found, err := m.signer.Verify(ctx, sent, nil)
	if err != nil {
		return nil, records.Unavailable(err)
	}
	return found, nil
}

// registrationStatus returns the status of the answer to a registration that has failed. A
// browser does not try a registration again, whatever the status.
func registrationStatus(err error) int {
	switch {
	case errors.Is(err, binding.ErrTaken), errors.Is(err, records.ErrEnded), errors.Is(err, binding.ErrNotOffered):
		return http.StatusConflict
	case errors.Is(err, binding.ErrProof), errors.Is(err, binding.ErrChallenge):
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

// refresh answers a browser that refreshes the token of a bound session. It looks the
// session up by the ID in the header alone: a refresh that a page of another site has
// caused comes without cookies.
func (m *Manager) refresh(w http.ResponseWriter, r *http.Request) {
	event := m.engine.Observer.Begin(observe.Prove)
	bound, err := m.refreshToken(r)
	event.PublicID, event.Err = bound.PublicID, err
	m.engine.Observer.End(r.Context(), event)
	switch {
	case errors.Is(err, binding.ErrChallenge):
		w.Header().Set(dbsc.ChallengeHeader, dbsc.Challenge(bound.Challenge, bound.ID))
		http.Error(w, "Sign the challenge.", http.StatusForbidden)
	case err != nil:
		m.refuseDevice(w, r, err, refreshStatus(err))
	default:
		m.answerBound(w, r, bound)
	}
}

func (m *Manager) refreshToken(r *http.Request) (binding.Bound, error) {
	id := dbsc.Item(r.Header.Get(dbsc.IDHeader))
	if provider.ValidateID(id) != nil {
		return binding.Bound{}, records.ErrEnded
	}
	return m.binder.Refresh(r.Context(), id, dbsc.Item(r.Header.Get(dbsc.ResponseHeader)))
}

// refreshStatus returns the status of the answer to a refresh that has failed. For 401 the
// browser forgets the key; for 503 it tries again.
func refreshStatus(err error) int {
	if errors.Is(err, records.ErrEnded) || errors.Is(err, binding.ErrNotOffered) || errors.Is(err, binding.ErrProof) {
		return http.StatusUnauthorized
	}
	return http.StatusServiceUnavailable
}

// refuseDevice answers a browser whose registration or refresh has failed. It clears no
// cookie: that of the name may belong to a newer session.
func (m *Manager) refuseDevice(w http.ResponseWriter, r *http.Request, err error, status int) {
	level := slog.LevelWarn
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
		w.Header().Set("Retry-After", "5")
	}
	m.cfg.Logger.Log(r.Context(), level, "session: a browser was refused at the endpoints of the device binding",
		slog.String("endpoint", path.Base(r.URL.Path)), slog.Int("status", status), slog.Any("error", err))
	http.Error(w, http.StatusText(status), status)
}

// answerBound gives the browser its new token.
func (m *Manager) answerBound(w http.ResponseWriter, r *http.Request, b binding.Bound) {
	cookie := m.cfg.Cookie.bound()
	h := w.Header()
	putCookie(h, cookie.render(b.Token, m.cfg.DeviceBindingInterval), nil)
	h.Set(dbsc.ChallengeHeader, dbsc.Challenge(b.Challenge, b.ID))
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(dbsc.Instructions{
		ID:         b.ID,
		RefreshURL: m.cfg.DeviceBindingPath + refreshEndpoint,
		WholeSite:  cookie.Domain != "" && strings.EqualFold(hostOf(r), strings.TrimPrefix(cookie.Domain, ".")),
		Cookie:     cookie.Name,
		Attributes: cookie.attributes(),
	}.JSON())
}

// hostOf returns the host of a request without its port.
func hostOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// offerBinding asks the browser to register a key for the session of that ID. If that
// fails, the session is not bound, and nothing else is lost.
func (p *requestState) offerBinding(h http.Header, id string) {
	ctx, call := p.m.records.Context(context.WithoutCancel(p.request.Context()), p.m.deadline(context.Background()))
	defer call.End()
	challenge, err := p.m.binder.Offer(ctx, id)
	if err != nil {
		p.m.cfg.Logger.Error("session: the browser was not asked to bind the session to its device",
			slog.String("public_id", id), slog.Any("error", err))
		return
	}
	h.Set(dbsc.RegistrationHeader, dbsc.Registration(p.m.cfg.DeviceBindingPath+registerEndpoint, challenge))
}
