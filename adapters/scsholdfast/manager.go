package scsholdfast

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// SessionManager has the methods of scs's SessionManager. [New] makes one.
//
// Set its fields before the first request: the first use of LoadAndSave's handler, Load,
// Iterate, Manager or WriteSessionCookie fixes the configuration, and later changes have
// no effect. If the configuration is not valid, each of these reports every mistake;
// LoadAndSave does so to ErrorFunc. A program that wants to know at its start calls
// Manager.
//
// A SessionManager must not be copied. Its methods are safe for concurrent use.
type SessionManager struct {
	// IdleTimeout ends a session that has not been used for this time. Zero means that only
	// the deadline ends a session.
	IdleTimeout time.Duration

	// Lifetime is the time from the beginning of a session, or from RenewToken, to its
	// deadline. It is at most 400 days, the longest that browsers keep a cookie. New sets 24
	// hours.
	Lifetime time.Duration

	// Store keeps the sessions. New sets a provider in memory, which loses them at a restart
	// of the program.
	Store provider.Provider

	// Cookie holds the attributes of the session cookie.
	Cookie SessionCookie

	// Codec encodes the values. New sets GobCodec.
	Codec Codec

	// ErrorFunc answers a request of LoadAndSave whose session could not be loaded or saved.
	// Nothing of the handler's response has been sent. [session.StatusCode] returns the
	// status for the error: 409 for a conflict with a parallel request, 503 if the store
	// fails. New sets a function that logs the error and answers with this status and its
	// standard text.
	ErrorFunc func(http.ResponseWriter, *http.Request, error)

	// HashTokenInStore has no effect: the store always holds a hash of the token.
	HashTokenInStore bool

	// LastWriteWins reports whether changes of a key may be lost without an error if a
	// parallel request changes it, too. It suits flash messages: two tabs may then both pop
	// the message, as with scs, and none of them answers 409. Nil means that no change may
	// be lost.
	LastWriteWins func(key string) bool

	// Import brings over the sessions that scs has stored. Nil means none.
	Import *Import

	// Config holds the settings of Holdfast that scs does not have, such as SigningKeys,
	// Isolation, MaxSize, Logger and Observer. IdleTimeout, Lifetime, PersistLifetime,
	// PersistIdleTimeout, Codec, Cookie, Header, HeaderOnly and ErrorHandler must be zero:
	// they follow from the other fields.
	Config session.Config

	fix   sync.Once
	fixed *core
	err   error
}

// Session is another name of SessionManager.
//
// Deprecated: use SessionManager. The name exists because scs has it.
type Session = SessionManager

// New returns a SessionManager with the default settings of scs: sessions in memory, a
// lifetime of 24 hours without an idle timeout, and a cookie named "session" that is kept
// until the deadline and is not Secure. It does no I/O.
func New() *SessionManager {
	s := &SessionManager{
		Lifetime: 24 * time.Hour,
		Store:    memory.New(),
		Codec:    GobCodec{},
		Cookie: SessionCookie{
			Name:     "session",
			HttpOnly: true,
			Path:     "/",
			SameSite: http.SameSiteLaxMode,
			Persist:  true,
		},
	}
	s.ErrorFunc = s.answerError
	return s
}

// NewSession returns New().
//
// Deprecated: use New. The function exists because scs has it.
func NewSession() *SessionManager { return New() }

// Manager returns the Manager that keeps the sessions, for what scs does not have, such
// as [session.Manager.RevokeAll] and [session.Manager.Passive]. In place of its Replay
// use that of SessionManager. The error lists every mistake in the configuration.
func (s *SessionManager) Manager() (*session.Manager, error) {
	c, err := s.core()
	if err != nil {
		return nil, err
	}
	return c.manager, nil
}

// answerError is the default ErrorFunc.
func (s *SessionManager) answerError(w http.ResponseWriter, r *http.Request, err error) {
	status := session.StatusCode(err)
	level := slog.LevelError
	if status == http.StatusConflict {
		level = slog.LevelWarn
	}
	loggerOf(&s.Config).Log(r.Context(), level, "scsholdfast: request failed",
		slog.String("method", r.Method), slog.Int("status", status), slog.Any("error", err))
	forbidCaching(w.Header())
	http.Error(w, http.StatusText(status), status)
}

func loggerOf(cfg *session.Config) *slog.Logger {
	if cfg.Logger != nil {
		return cfg.Logger
	}
	return slog.Default()
}
