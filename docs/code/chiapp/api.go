package main

import (
	"encoding/json"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

func (a *app) logInApp(w http.ResponseWriter, r *http.Request, s *session.Session) {
	var form struct{ Name, Password, Device string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&form); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "no JSON"})
		return
	}
	id, err := a.userID(form.Name, form.Password)
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]string{"error": err.Error()})
		return
	}
	begin(s, id, form.Device)
	if err := s.Save(r.Context()); err != nil {
		answer(w, session.StatusCode(err), map[string]string{"error": "please try again"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"token": s.Token().Value})
}

func (a *app) me(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "please log in"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"user": s.Owner()})
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
