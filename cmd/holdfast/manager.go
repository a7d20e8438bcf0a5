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

// manager returns a Manager over the store. It creates no signing keys, since it signs
// nothing. It does not know all of the program's Config, so it uses the widest limits: a
// session that has ended by the program's limits is ended again.
func (j *job) manager(store provider.Provider) (*session.Manager, error) {
	if j.seals != nil {
		opened, err := j.seals.over(store)
		if err != nil {
			return nil, err
		}
		store = opened
	}
	return session.New(anyCodec{store}, j.config())
}

// config returns the Config of a Manager over the store.
func (j *job) config() session.Config {
	return session.Config{
		Namespace:    j.namespace,
		Lifetime:     400 * 24 * time.Hour, // and so PersistLifetime
		StoreTimeout: 10 * time.Second,
		Logger:       slog.New(slog.DiscardHandler),
	}
}

// anyCodec presents sessions of a codec of the program's own as CBOR. That is safe as
// long as no value is decoded or saved.
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

// readOnly prevents Manager.Sessions from removing stale entries.
type readOnly struct{ provider.Provider }

var errReadOnly = errors.New("list saves nothing")

func (readOnly) Save(context.Context, *provider.Record, int64) error { return errReadOnly }

func (readOnly) Delete(context.Context, string) error { return errReadOnly }

var errNoUser = errors.New("there is no session of that user; if the program has a Config.Namespace, give it as -namespace")

// publicIDs returns the public IDs of the user's sessions, at least one.
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

// checkUser returns an error for a -namespace that would have no effect.
func (j *job) checkUser() error {
	if j.namespace != "" && j.user == "" {
		return usageError("-namespace needs a user; give -user as well")
	}
	return nil
}
