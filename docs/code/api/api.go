// Package api is the code of docs/api.md: JSON for browsers and mobile apps.
package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// An API serves browsers, which have a cookie, and apps, which send a token.
type API struct {
	Sessions *session.Manager
	// UserID returns the permanent ID of the user with that name and password.
	UserID func(name, password string) (string, error)
}

// NewManager returns a Manager that reads tokens from the header Authorization.
func NewManager(store provider.Provider) (*session.Manager, error) {
	return session.New(store, session.Config{
		Header: "Authorization",
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			slog.Error("session", "path", r.URL.Path, "error", err) // the Manager leaves that to the handler
			writeError(w, session.StatusCode(err), err)
		},
	})
}

func (api *API) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	var form struct{ Name, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&form); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	id, err := api.UserID(form.Name, form.Password)
	if err != nil {
		writeError(w, http.StatusUnauthorized, errors.New("wrong name or password"))
		return
	}
	s.Renew()
	s.SetOwner(id)
	if err := s.Save(r.Context()); err != nil {
		writeError(w, session.StatusCode(err), err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": s.Token().Value})
}

func (api *API) me(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeError(w, http.StatusUnauthorized, errors.New("please log in"))
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"user": s.Owner()})
}

func (api *API) logOut(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Destroy()
	w.WriteHeader(http.StatusNoContent)
}

// writeError answers with a message. An error of a session names keys and public IDs, so
// the visitor does not get its text.
func writeError(w http.ResponseWriter, status int, err error) {
	message := err.Error()
	switch {
	case errors.Is(err, session.ErrEnded):
		message = "the session has ended, please try again"
	case status == http.StatusConflict:
		message = "another request was faster, please try again"
	case status >= 500:
		message = http.StatusText(status)
	}
	writeJSON(w, status, map[string]string{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error is the client's, who is gone
}
