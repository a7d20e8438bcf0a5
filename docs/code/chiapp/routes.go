package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/holdfast-go/holdfast/session"
)

type app struct {
	sessions *session.Manager
	userID   func(name, password string) (string, error)
}

func (a *app) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Logger, middleware.Recoverer)
	r.Use(http.NewCrossOriginProtection().Handler)
	r.Use(a.sessions.Handler) // inside of what must see the final response
	r.Use(a.checkToken)       // outside of handlers, inside of sessions
	r.Get("/", a.sessions.HandlerFunc(a.home))
	r.Post("/login", a.sessions.HandlerFunc(a.logIn))
	r.Post("/logout", a.sessions.HandlerFunc(a.logOut))
	r.Group(func(r chi.Router) {
		r.Use(a.requireUser)
		r.Get("/devices", a.sessions.HandlerFunc(a.listDevices))
		r.Post("/devices/{id}/end", a.sessions.HandlerFunc(a.endDevice))
	})
	r.Route("/api", func(r chi.Router) {
		r.Post("/login", a.sessions.HandlerFunc(a.logInApp))
		r.Get("/me", a.sessions.HandlerFunc(a.me))
	})
	return r
}
