package main

import (
	"context"
	"errors"
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
		StoreTimeout: j.storeTimeout(),
		Logger:       slog.New(slog.DiscardHandler),

		RevokeEverythingWithin: j.within,
	}
}

// storeTimeout returns the time limit of a storage trip, of which -within allows two.
func (j *job) storeTimeout() time.Duration {
	const usual = 10 * time.Second
	if j.within > 0 {
		return min(usual, j.within/2)
	}
	return usual
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
