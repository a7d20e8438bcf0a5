package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// logouts are the logouts of the last minutes, in the store that all instances share. A
// login that is under way during a logout has no session yet that could be ended, and so
// looks for it here.
type logouts struct{ store provider.Provider }

// loginTime is how long a login may take from its ID token to its session.
const loginTime = 10 * time.Minute

// note notes that the provider has ended the sessions of a at that time.
func (l logouts) note(ctx context.Context, a account, at time.Time) error {
	name, value := a.label()
	rec := &provider.Record{
		ID: recordID("oidc-logout", name, value), ExpiresAt: time.Now().Add(loginTime),
		Format: "oidc-logout", Data: strconv.AppendInt(nil, at.Unix(), 10),
	}
	for {
		current, err := l.store.Fetch(ctx, rec.ID)
		switch {
		case errors.Is(err, provider.ErrNotFound):
			current = &provider.Record{}
		case err != nil:
			return err
		case !notedAt(current).Before(at):
			return nil
		}
		rec.Version = current.Version + 1
		if err := l.store.Save(ctx, rec, current.Version); !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
	}
}

// include reports whether the provider has ended a login since it has issued the ID token.
// Times of tokens are seconds, so a logout of the same second counts as later.
func (l logouts) include(ctx context.Context, of login) (bool, error) {
	for _, a := range []account{of.account, of.user()} {
		name, value := a.label()
		rec, err := l.store.Fetch(ctx, recordID("oidc-logout", name, value))
		switch {
		case errors.Is(err, provider.ErrNotFound):
		case err != nil:
			return false, err
		case !notedAt(rec).Before(of.issued):
			return true, nil
		}
	}
	return false, nil
}

func notedAt(rec *provider.Record) time.Time {
	seconds, _ := strconv.ParseInt(string(rec.Data), 10, 64)
	return time.Unix(seconds, 0)
}

// recordID returns the ID of a record of this site beside those of its sessions.
func recordID(kind string, names ...string) string {
	hash := sha256.New()
	for _, name := range names {
		hash.Write(strconv.AppendQuote(nil, name))
	}
	return kind + "-" + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}
