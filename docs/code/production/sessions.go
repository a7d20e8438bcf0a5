// Package production is the code of docs/production.md: a program that is ready for
// production, with Redis.
package production

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
	"github.com/holdfast-go/holdfast/session"
)

// newSessions returns the Manager of the program, and a function that closes its store.
func newSessions() (*session.Manager, func() error, error) {
	store, err := redisprovider.Open(os.Getenv("SESSION_STORE")) // redis://…?pool_size=50
	if err != nil {
		return nil, nil, err
	}
	keys, err := parseKeys(os.Getenv("SESSION_KEYS"))
	if err != nil {
		return nil, nil, err
	}
	var sessions *session.Manager
	sessions, err = session.New(store, session.Config{
		SigningKeys:  keys,
		IdleTimeout:  30 * time.Minute,
		Lifetime:     12 * time.Hour,
		StoreTimeout: 2 * time.Second,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			answerError(sessions, w, r, err)
		},
	})
	return sessions, store.Close, err
}

// parseKeys decodes keys in base64, separated by commas. The first one signs.
func parseKeys(text string) (keys [][]byte, err error) {
	if text == "" {
		return nil, nil // the store keeps the keys
	}
	for field := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(field))
		if err != nil {
			return nil, fmt.Errorf("SESSION_KEYS: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

var errorPage = template.Must(template.New("").Parse(`<!doctype html><title>Sorry</title><p>{{.}}`))

// answerError answers when a session could not be loaded or saved.
func answerError(sessions *session.Manager, w http.ResponseWriter, r *http.Request, err error) {
	status, message := session.StatusCode(err), "This did not work. Please try again."
	switch {
	case errors.Is(err, session.ErrUnreadable):
		sessions.ClearCookie(w, r) // the next request begins a new session
	case status == http.StatusConflict:
		message = "You did something else at the same time. Please go back, load the page again, and try once more."
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	level := slog.LevelWarn
	if status >= 500 {
		level = slog.LevelError
	}
	slog.Log(r.Context(), level, "session: request failed", "method", r.Method, "route", r.Pattern, "status", status, "error", err)
	w.WriteHeader(status)
	_ = errorPage.Execute(w, message)
}
