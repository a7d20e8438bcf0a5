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

// note notes that the provider has ended the sessions of a at that time. The version of the
// record is the time, in seconds, so of two logouts the later one stays.
func (l logouts) note(ctx context.Context, a account, at time.Time) error {
	name, value := a.label()
	rec := &provider.Record{
		ID: recordID("oidc-logout", name, value), Version: at.Unix(),
		ExpiresAt: time.Now().Add(loginTime), Format: "oidc-logout",
	}
	for {
		current, err := l.notedAt(ctx, rec.ID)
		if err != nil || current >= rec.Version {
			return err
		}
		if err := l.store.Save(ctx, rec, current); !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
	}
}

// include reports whether the provider has ended a login since it has issued the ID token.
// Times of tokens are seconds, so a logout of the same second counts as later.
func (l logouts) include(ctx context.Context, of login) (bool, error) {
	for _, a := range []account{of.account, of.user()} {
		name, value := a.label()
		at, err := l.notedAt(ctx, recordID("oidc-logout", name, value))
		if err != nil || at >= of.issued.Unix() {
			return err == nil, err
		}
	}
	return false, nil
}

// notedAt returns the time of the logout that is noted under the ID, or 0.
func (l logouts) notedAt(ctx context.Context, id string) (int64, error) {
	rec, err := l.store.Fetch(ctx, id)
	if errors.Is(err, provider.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return rec.Version, nil
}

// recordID returns the ID of a record of this site beside those of its sessions.
func recordID(kind string, names ...string) string {
	hash := sha256.New()
	for _, name := range names {
		hash.Write(strconv.AppendQuote(nil, name))
	}
	return kind + "-" + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}
