package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// manager returns a Manager over the store, which makes no signing keys, since it
// signs nothing. It knows the program's Config only in part, so its limits are the
// widest that there are: what has ended by the program's is ended once more.
func (j *job) manager(store provider.Provider) (*session.Manager, error) {
	if j.seals != nil {
		opened, err := j.seals.over(store)
		if err != nil {
			return nil, err
		}
		store = opened
	}
	return session.New(anyCodec{store}, session.Config{
		Namespace:    j.namespace,
		Lifetime:     400 * 24 * time.Hour, // and so PersistLifetime
		StoreTimeout: 10 * time.Second,
		Logger:       slog.New(slog.DiscardHandler),
	})
}

// anyCodec shows sessions of a codec that is the program's own as if they were of
// CBOR. That is no matter to those who decode no value, and save none.
type anyCodec struct{ provider.Provider }

func (p anyCodec) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := p.Provider.Fetch(ctx, id)
	if rec != nil {
		rec.Format = builtIn(rec.Format)
	}
	return rec, err
}

func (p anyCodec) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	err := p.Provider.Save(ctx, rec, expectVersion)
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok && conflict.Current != nil {
		conflict.Current.Format = builtIn(conflict.Current.Format)
	}
	return err
}

func builtIn(format string) string {
	if format == session.JSON().Name() || strings.HasPrefix(format, "holdfast-") {
		return format
	}
	return session.CBOR().Name()
}

// readOnly keeps Manager.Sessions from tidying up.
type readOnly struct{ provider.Provider }

var errReadOnly = errors.New("list saves nothing")

func (readOnly) Save(context.Context, *provider.Record, int64) error { return errReadOnly }

func (readOnly) Delete(context.Context, string) error { return errReadOnly }

var errNoUser = errors.New("no session of that user is there; if the program has a Config.Namespace, give it as -namespace")

// publicIDs returns those of the user's sessions, at least one.
func (j *job) publicIDs(ctx context.Context, m *session.Manager) (publicIDs []string, err error) {
	sessions, err := m.Sessions(ctx, j.user)
	switch {
	case errors.Is(err, session.ErrUnreadable) && j.seals == nil:
		return nil, fmt.Errorf("%w; if the store is sealed, set %s to the keys", err, sealsEnv)
	case err == nil && len(sessions) == 0:
		return nil, errNoUser
	}
	for _, s := range sessions {
		publicIDs = append(publicIDs, s.PublicID())
	}
	return publicIDs, err
}

// checkUser refuses a -namespace that would go unnoticed.
func (j *job) checkUser() error {
	if j.namespace != "" && j.user == "" {
		return usageError("-namespace is what a user's sessions are found by; give -user as well")
	}
	return nil
}
