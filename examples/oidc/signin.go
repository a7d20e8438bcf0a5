package main

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// An account names a user and, perhaps, one of the user's sessions at an OpenID provider.
// A Subject and a SessionID are unique only within their Issuer.
type account struct {
	Issuer    string // iss
	Subject   string // sub
	SessionID string // sid
}

// The labels by which sessions are found.
const (
	bySubject = "oidc-sub"
	bySession = "oidc-sid"
)

// label returns the narrowest label of a: that of the session if it names one, or else
// that of the user.
func (a account) label() (name, value string) {
	if a.SessionID != "" {
		return bySession, a.Issuer + " " + a.SessionID
	}
	return bySubject, a.Issuer + " " + a.Subject
}

// user returns the account without its session.
func (a account) user() account { return account{Issuer: a.Issuer, Subject: a.Subject} }

// A login is what an ID token says.
type login struct {
	account
	issued time.Time
}

// signIn makes s the session of a login. If the provider has ended the login in the
// meantime, s ends, and the error is errLoginEnded.
func (site *Site) signIn(ctx context.Context, s *session.Session, l login) error {
	s.Renew()
	s.SetOwner(l.Issuer + " " + l.Subject) // or the number of the user's account at this site
	for _, a := range []account{l.account, l.user()} {
		s.SetLabel(a.label())
	}
	// A logout that comes from now on finds the session by its labels, and one that came
	// before was noted.
	if err := s.Save(ctx); err != nil {
		return err
	}
	ended, err := site.logouts.include(ctx, l)
	if ended {
		err = errLoginEnded
	}
	if err != nil {
		s.Destroy()
	}
	return err
}

var errLoginEnded = errors.New("the provider has ended this login")

// end ends the sessions of a at this site: the one that a names, or all of the user. The
// provider has ended them at that time, by its own clock.
func (site *Site) end(ctx context.Context, a account, at time.Time) error {
	if err := site.logouts.note(ctx, a, at); err != nil {
		return err
	}
	name, value := a.label()
	return site.sessions.RevokeBy(ctx, name, value)
}
