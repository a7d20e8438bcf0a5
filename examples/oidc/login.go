package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/holdfast-go/holdfast/session"
)

// A flow is one login that has begun. The visitor may begin several, in several tabs.
type flow struct{ State, Nonce, Verifier string }

var flows = session.NewKey[[]flow]("login flows")

const maxFlows = 4 // older ones are forgotten

// begin sends the visitor to the provider.
func (site *Site) begin(w http.ResponseWriter, r *http.Request, s *session.Session) {
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	flows.Update(s, func(all []flow) []flow {
		all = append(all, f)
		return all[max(0, len(all)-maxFlows):]
	})
	to := site.oauth.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

var errUnknownState = errors.New("this login was not begun here, or is done")

// takeFlow returns the visitor's flow of that state, once.
func takeFlow(ctx context.Context, s *session.Session, state string) (taken flow, err error) {
	err = s.Update(ctx, func(s *session.Session) error {
		all, _ := flows.Get(s)
		i := slices.IndexFunc(all, func(f flow) bool { return f.State == state })
		if i < 0 {
			return errUnknownState
		}
		taken = all[i]
		flows.Set(s, slices.Delete(all, i, i+1))
		return nil
	})
	return taken, err
}

// callback is where the provider sends the visitor to.
func (site *Site) callback(w http.ResponseWriter, r *http.Request, s *session.Session) {
	f, err := takeFlow(r.Context(), s, r.FormValue("state"))
	if errors.Is(err, errUnknownState) {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	login, err := site.exchange(r.Context(), r.FormValue("code"), f)
	if err != nil {
		http.Error(w, "the login has failed", http.StatusForbidden)
		return
	}
	switch err := site.signIn(r.Context(), s, login); {
	case errors.Is(err, errLoginEnded):
		http.Error(w, err.Error(), http.StatusForbidden)
	case err != nil:
		http.Error(w, "please try again", session.StatusCode(err))
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// exchange returns the login that the provider confirms in this flow.
func (site *Site) exchange(ctx context.Context, code string, f flow) (login, error) {
	token, err := site.oauth.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return login{}, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return login{}, errors.New("no ID token")
	}
	id, err := site.tokens.Verify(ctx, raw)
	if err != nil {
		return login{}, err
	}
	if id.Nonce != f.Nonce {
		return login{}, errors.New("the ID token is for another login")
	}
	var claims struct {
		SessionID string `json:"sid"`
	}
	if err := id.Claims(&claims); err != nil {
		return login{}, err
	}
	return login{
		account: account{Issuer: id.Issuer, Subject: id.Subject, SessionID: claims.SessionID},
		issued:  id.IssuedAt,
	}, nil
}
