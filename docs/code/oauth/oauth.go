// Package oauth is the code of docs/oauth.md: login by an identity provider.
package oauth

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

// A Site logs users in by an identity provider.
type Site struct {
	Sessions *session.Manager
	OAuth    *oauth2.Config
	Verifier *oidc.IDTokenVerifier

	API           string // that is called with the visitor's token
	RevocationURL string // of the identity provider
}

// A flow is one login that has begun. The visitor may begin several, in several tabs.
type flow struct{ State, Nonce, Verifier string }

var flows = session.NewKey[[]flow]("login flows")

const maxFlows = 4 // older ones are forgotten

func (site *Site) begin(w http.ResponseWriter, r *http.Request, s *session.Session) {
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	flows.Update(s, func(all []flow) []flow {
		all = append(all, f)
		return all[max(0, len(all)-maxFlows):]
	})
	to := site.OAuth.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

var errUnknownState = errors.New("this login was not begun here, or is done")

// takeFlow returns the visitor's flow of that state, once. Session.Update commits, so of
// two requests with one state, one gets the flow.
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

// callback is where the identity provider sends the visitor to.
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
	user, token, err := site.exchange(r.Context(), r.FormValue("code"), f)
	if err != nil {
		http.Error(w, "the login has failed", http.StatusForbidden)
		return
	}
	s.Renew()
	s.SetOwner(user)
	tokens.Set(s, *token)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// exchange returns the user whom the identity provider has authenticated in this flow, and
// the token for its API.
func (site *Site) exchange(ctx context.Context, code string, f flow) (user string, token *oauth2.Token, err error) {
	token, err = site.OAuth.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", nil, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", nil, errors.New("no ID token")
	}
	id, err := site.Verifier.Verify(ctx, raw)
	if err != nil {
		return "", nil, err
	}
	if id.Nonce != f.Nonce {
		return "", nil, errors.New("the ID token is for another login")
	}
	return id.Issuer + " " + id.Subject, token, nil // permanent, unlike an email address
}
