package providertest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

// A flaw is a mistake that authors of providers make.
type flaw struct {
	name   string
	add    mistake
	breaks string // the names of the rules
}

var errFailed = errors.New("failed")

func expired(rec *provider.Record) bool { return rec.Expired(time.Now()) }

var flaws = []flaw{
	// Which version is stored.
	{
		name:   "an update creates the missing record",
		add:    overriding(func(_, current *provider.Record, _ int64) bool { return current == nil }),
		breaks: "conflict-current delete expired-update race-delete-update update-missing",
	},
	{
		name: "a create replaces the existing record",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if expectVersion == 0 {
				expectVersion = -1
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "conflict-current conflict-owned create-existing create-existing-unversioned expired-before-conflict race-create race-delete-create retry-64-bits retry-overtaken",
	},
	{
		name: "a create replaces the existing record of version 0",
		add: overriding(func(_, current *provider.Record, expectVersion int64) bool {
			return expectVersion == 0 && current.Version == 0
		}),
		breaks: "create-existing-unversioned",
	},
	{
		name: "an update replaces the record whatever its version",
		add: overriding(func(_, current *provider.Record, expectVersion int64) bool {
			return expectVersion > 0 && current != nil
		}),
		breaks: "conflict-current expired-before-conflict race-apart race-count race-update retry-64-bits retry-overtaken update-stale version-64-bits",
	},
	{
		name: "an update replaces versions lower than expected",
		add: overriding(func(_, current *provider.Record, expectVersion int64) bool {
			return current != nil && current.Version < expectVersion
		}),
		breaks: "conflict-current expired-before-conflict update-stale",
	},
	{
		name: "an update needs a higher version",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if expectVersion > 0 && rec.Version < expectVersion {
				return provider.ErrVersionConflict
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "update-any-order",
	},
	{
		name: "an update needs another version",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if expectVersion > 0 && rec.Version == expectVersion {
				return nil
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "update-same-version",
	},
	{
		name: "check, then act",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			stored, err := c.fetch(rec.ID)
			fine := expectVersion == 0 && err != nil || expectVersion > 0 && err == nil && stored.Version == expectVersion
			if !fine {
				return c.save(rec, expectVersion)
			}
			<-time.After(time.Millisecond) // all others check in the meantime
			return c.save(rec, -1)
		}),
		breaks: "race-count race-create race-delete-update race-update",
	},
	{
		name: "an unchecked save only creates",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			return c.save(rec, max(0, expectVersion))
		}),
		breaks: "context-cancelled-meanwhile context-expired-meanwhile context-only-times-out create-existing-unversioned expired-before-update race-unchecked unchecked unchecked-version",
	},
	{
		name: "an unchecked save only replaces",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if _, err := c.fetch(rec.ID); err != nil && expectVersion < 0 {
				return nil
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "create-existing-unversioned race-unchecked unchecked unchecked-version",
	},
	{
		name:   "an unchecked save makes the version positive",
		add:    altering(func(rec *provider.Record) { rec.Version = max(1, rec.Version) }),
		breaks: "create-existing-unversioned unchecked-version",
	},
	{
		name:   "an unchecked save refuses a version that is not positive",
		add:    refusing(func(rec *provider.Record) bool { return rec.Version <= 0 }, provider.ErrInvalidRecord),
		breaks: "create-existing-unversioned unchecked-version",
	},
	{
		name: "versions are stored as float64",
		add: altering(func(rec *provider.Record) {
			rec.Version = int64(min(float64(rec.Version), math.MaxInt64-1023))
		}),
		breaks: "retry-64-bits version-64-bits",
	},
	{
		name: "versions are compared as float64",
		add: overriding(func(_, current *provider.Record, expectVersion int64) bool {
			return current != nil && expectVersion > 0 && float64(current.Version) == float64(expectVersion)
		}),
		breaks: "version-64-bits",
	},
	{
		name: "an earlier attempt is recognised by a float64",
		add: conflicting(func(_ conn, rec *provider.Record, _ int64, conflict *provider.ConflictError) error {
			if conflict.Current != nil && float64(conflict.Current.Version) == float64(rec.Version) {
				return nil
			}
			return conflict
		}),
		breaks: "retry-64-bits",
	},
	{
		name: "an earlier attempt is forgotten",
		add: func(p provider.Provider) provider.Provider {
			lock := make(chan struct{}, 1) // a Mutex would stop the clock of the bubble
			return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
				lock <- struct{}{}
				defer func() { <-lock }()
				stored, err := c.fetch(rec.ID)
				if err == nil && stored.Version == rec.Version && expectVersion >= 0 && expectVersion != rec.Version {
					return &provider.ConflictError{Current: stored}
				}
				return c.save(rec, expectVersion)
			})(p)
		},
		breaks: "race-retry retry-create retry-update",
	},
	{
		name: "an earlier attempt is seen in every higher version",
		add: conflicting(func(_ conn, rec *provider.Record, _ int64, conflict *provider.ConflictError) error {
			if conflict.Current != nil && conflict.Current.Version > rec.Version {
				return nil
			}
			return conflict
		}),
		breaks: "race-apart race-count race-create race-update retry-64-bits retry-overtaken version-64-bits",
	},
	{
		name:   "an update keeps the Format",
		add:    updating(func(rec, old *provider.Record) { rec.Format = old.Format }),
		breaks: "race-read race-unchecked race-update update",
	},
	{
		name: "an update keeps the Data when there are none",
		add: updating(func(rec, old *provider.Record) {
			if len(rec.Data) == 0 {
				rec.Data = old.Data
			}
		}),
		breaks: "data-empty",
	},

	// Fetch and Delete.
	{
		name:   "neither a record nor an error for a missing one",
		add:    missing(func(conn, string) (*provider.Record, error) { return nil, nil }),
		breaks: "delete expired-before-create expired-before-update expired-fetch expiry-shortened fetch-missing id race-apart race-delete-create race-delete-update update-missing",
	},
	{
		name:   "the driver's error for a missing record",
		add:    missing(func(conn, string) (*provider.Record, error) { return nil, errors.New("no rows") }),
		breaks: "delete expired-before-create expired-before-update expired-fetch expiry-shortened fetch-missing id race-apart race-delete-create race-delete-update update-missing",
	},
	{
		name: "Fetch reads from a cache",
		add: func(p provider.Provider) provider.Provider {
			var cache shadow
			return fetching(func(c conn, id string) (*provider.Record, error) {
				if rec := cache.get(id); rec != nil && !expired(rec) {
					pause()
					return rec.Clone(), nil
				}
				rec, err := c.fetch(id)
				if err == nil {
					cache.put(rec.Clone())
				}
				return rec, err
			})(p)
		},
		breaks: "data-binary data-empty data-large expiry-never id race-apart race-count race-read save-keeps-nothing unchecked unchecked-version update-any-order version-64-bits",
	},
	{
		name: "the Delete of a missing record fails",
		add: deleting(func(c conn, id string) error {
			if _, err := c.fetch(id); err != nil {
				return err
			}
			return c.delete(id)
		}),
		breaks: "context-cancelled-meanwhile context-expired-meanwhile context-only-times-out delete-missing",
	},
	{
		name:   "Delete only says so",
		add:    deleting(func(conn, string) error { return nil }),
		breaks: "conflict-current delete id race-apart race-delete-create race-delete-update",
	},

	// Expiry.
	{
		name: "Fetch finds expired records",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			return missing(func(_ conn, id string) (*provider.Record, error) {
				if old := saved.get(id); old != nil && expired(old) {
					return old.Clone(), nil
				}
				return nil, provider.ErrNotFound
			})(p)
		}),
		breaks: "expired-before-create expired-before-update expired-fetch expiry-shortened",
	},
	{
		name: "an update finds expired records",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			return overriding(func(rec, current *provider.Record, expectVersion int64) bool {
				old := saved.get(rec.ID)
				return current == nil && old != nil && old.Version == expectVersion
			})(p)
		}),
		breaks: "expired-update",
	},
	{
		name: "a create finds expired records",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
				if old := saved.get(rec.ID); expectVersion == 0 && old != nil && old.Version != rec.Version {
					return provider.ErrVersionConflict
				}
				return c.save(rec, expectVersion)
			})(p)
		}),
		breaks: "expired-create",
	},
	{
		name: "an earlier attempt is seen in an expired record",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			return conflicting(func(_ conn, rec *provider.Record, _ int64, conflict *provider.ConflictError) error {
				if old := saved.get(rec.ID); old != nil && old.Version == rec.Version {
					return nil
				}
				return conflict
			})(p)
		}),
		breaks: "expired-update",
	},
	{
		name: "a conflict brings along an expired record",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			return conflicting(func(_ conn, rec *provider.Record, _ int64, conflict *provider.ConflictError) error {
				return &provider.ConflictError{Current: cmp.Or(conflict.Current, saved.get(rec.ID))}
			})(p)
		}),
		breaks: "expired-update",
	},
	{
		name:   "an expired record is not saved",
		add:    refusing(expired, nil),
		breaks: "expired-before-conflict expired-before-update expired-update",
	},
	{
		name:   "an expired record is refused",
		add:    refusing(expired, provider.ErrInvalidRecord),
		breaks: "expired-before-conflict expired-before-create expired-before-update expired-update",
	},
	{
		name: "an expired record is saved without a check",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if expired(rec) {
				expectVersion = -1
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "expired-before-conflict expired-update",
	},
	{
		name: "a time to live below zero is for ever",
		add: altering(func(rec *provider.Record) {
			if expired(rec) {
				rec.ExpiresAt = time.Time{}
			}
		}),
		breaks: "expired-before-create expired-before-update",
	},
	{
		name: "the epoch is never",
		add: altering(func(rec *provider.Record) {
			if rec.ExpiresAt.Unix() == 0 {
				rec.ExpiresAt = time.Time{}
			}
		}),
		breaks: "expired-before-create expired-before-update",
	},
	{
		name: "never is the epoch",
		add: altering(func(rec *provider.Record) {
			if rec.ExpiresAt.IsZero() {
				rec.ExpiresAt = time.Unix(0, 0)
			}
		}),
		breaks: "expiry-extended expiry-never expiry-shortened",
	},
	{
		name: "never is next year",
		add: altering(func(rec *provider.Record) {
			if rec.ExpiresAt.IsZero() {
				rec.ExpiresAt = time.Now().AddDate(1, 0, 0)
			}
		}),
		breaks: "expiry-extended expiry-never",
	},
	{
		name: "an update keeps the time to live",
		add: updating(func(rec, old *provider.Record) {
			if !expired(rec) {
				rec.ExpiresAt = old.ExpiresAt
			}
		}),
		breaks: "expiry-extended expiry-shortened update",
	},
	{
		name: "an update never shortens the time to live",
		add: updating(func(rec, old *provider.Record) {
			if old.ExpiresAt.IsZero() || !rec.ExpiresAt.IsZero() && rec.ExpiresAt.Before(old.ExpiresAt) {
				rec.ExpiresAt = old.ExpiresAt
			}
		}),
		breaks: "expired-before-update expiry-shortened",
	},
	{
		name:   "times are cut to seconds",
		add:    altering(func(rec *provider.Record) { rec.ExpiresAt = rec.ExpiresAt.Truncate(time.Second) }),
		breaks: "expired-before-create expired-before-update expiry-millisecond",
	},
	{
		name:   "times are rounded to the nearest millisecond",
		add:    altering(func(rec *provider.Record) { rec.ExpiresAt = rec.ExpiresAt.Round(time.Millisecond) }),
		breaks: "expired-before-create expired-before-update expiry-millisecond",
	},
	{
		name: "times lose their zone",
		add: altering(func(rec *provider.Record) {
			if !rec.ExpiresAt.IsZero() {
				_, offset := rec.ExpiresAt.Zone()
				rec.ExpiresAt = rec.ExpiresAt.Add(time.Duration(offset) * time.Second)
			}
		}),
		breaks: "expiry-far expiry-millisecond",
	},
	{
		name: "times are nanoseconds in 64 bits",
		add: altering(func(rec *provider.Record) {
			if !rec.ExpiresAt.IsZero() {
				rec.ExpiresAt = time.Unix(0, rec.ExpiresAt.UnixNano())
			}
		}),
		breaks: "expiry-far",
	},

	// What a record holds.
	{
		name:   "Data end at a NUL",
		add:    altering(func(rec *provider.Record) { rec.Data, _, _ = bytes.Cut(rec.Data, []byte{0}) }),
		breaks: "data-binary",
	},
	{
		name:   "Data are text",
		add:    altering(func(rec *provider.Record) { rec.Data = bytes.ToValidUTF8(rec.Data, []byte("?")) }),
		breaks: "data-binary",
	},
	{
		name:   "Data must not be empty",
		add:    refusing(func(rec *provider.Record) bool { return len(rec.Data) == 0 }, errFailed),
		breaks: "data-empty",
	},
	{
		name:   "Data are cut to 65535 bytes",
		add:    altering(func(rec *provider.Record) { rec.Data = rec.Data[:min(len(rec.Data), math.MaxUint16)] }),
		breaks: "data-large data-too-large",
	},
	{
		name:   "Data are cut to 1 MiB",
		add:    altering(func(rec *provider.Record) { rec.Data = rec.Data[:min(len(rec.Data), 1<<20)] }),
		breaks: "data-too-large",
	},
	{
		name:   "the driver's error for large Data",
		add:    refusing(func(rec *provider.Record) bool { return len(rec.Data) > 1<<20 }, errFailed),
		breaks: "data-too-large",
	},
	{
		name: "large Data delete what is stored",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if len(rec.Data) > 1<<20 {
				return cmp.Or(c.delete(rec.ID), provider.ErrTooLarge)
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "data-too-large",
	},
	{
		name: "Format is not stored",
		add:  altering(func(rec *provider.Record) { rec.Format = "" }),
		breaks: "conflict-current conflict-owned context-cancelled-meanwhile context-expired-meanwhile context-only-times-out context-reserve create create-existing " +
			"create-existing-unversioned data-binary data-empty data-large data-too-large delete expired-before-conflict " +
			"expired-create expiry-extended expiry-far expiry-millisecond expiry-never fetch-owned format id id-exact " +
			"invalid-expiry invalid-format invalid-version race-apart race-create race-delete-create race-read race-retry " +
			"race-unchecked race-update retry-64-bits retry-create retry-overtaken retry-update save-keeps-nothing " +
			"unchecked unchecked-version update update-any-order update-same-version update-stale version-64-bits",
	},
	{
		name:   "Format has 20 bytes",
		add:    altering(func(rec *provider.Record) { rec.Format = rec.Format[:min(len(rec.Format), 20)] }),
		breaks: "format",
	},
	{
		name:   "IDs have 128 bytes",
		add:    refusing(func(rec *provider.Record) bool { return len(rec.ID) > 128 }, provider.ErrInvalidRecord),
		breaks: "id id-exact",
	},
	{
		name:   "IDs are compared by 128 bytes",
		add:    naming(func(id string) string { return strings.ToValidUTF8(id[:min(len(id), 128)], "") }),
		breaks: "id-exact",
	},
	{
		name:   "IDs are compared without case",
		add:    naming(strings.ToLower),
		breaks: "id-exact",
	},
	{
		name:   "IDs are compared without blanks at the end",
		add:    naming(func(id string) string { return cmp.Or(strings.TrimRight(id, " "), id) }),
		breaks: "id-exact",
	},

	// Invalid input and errors.
	{
		name:   "IDs are not validated",
		add:    mending(func(rec *provider.Record) { rec.ID = "mended" }),
		breaks: "invalid-id",
	},
	{
		name:   "versions are not validated",
		add:    mending(func(rec *provider.Record) { rec.Version = max(1, rec.Version) }),
		breaks: "invalid-version",
	},
	{
		name:   "Format is not validated",
		add:    mending(func(rec *provider.Record) { rec.Format = "mended" }),
		breaks: "invalid-format",
	},
	{
		name:   "ExpiresAt is not validated",
		add:    mending(func(rec *provider.Record) { rec.ExpiresAt = time.Time{} }),
		breaks: "invalid-expiry",
	},
	{
		name:   "saving nil does nothing",
		add:    func(p provider.Provider) provider.Provider { return ignoresNil{p} },
		breaks: "invalid-nil",
	},
	{
		name:   "saving nil panics",
		add:    func(p provider.Provider) provider.Provider { return panicsOnNil{p} },
		breaks: "invalid-nil",
	},
	{
		name: "a conflict tells the ID",
		add: conflicting(func(_ conn, rec *provider.Record, _ int64, conflict *provider.ConflictError) error {
			return fmt.Errorf("record %s: %w", rec.ID, conflict)
		}),
		breaks: "errors-discreet",
	},
	{
		name: "a missing record's error tells the ID",
		add: missing(func(_ conn, id string) (*provider.Record, error) {
			return nil, fmt.Errorf("record %s: %w", id, provider.ErrNotFound)
		}),
		breaks: "errors-discreet",
	},

	// Whose memory it is.
	{
		name: "Save keeps the Data",
		add: func(p provider.Provider) provider.Provider {
			var stored aliases
			return hooks{
				Provider: p,
				save: func(c conn, rec *provider.Record, expectVersion int64) error {
					err := c.save(rec, expectVersion)
					if err == nil {
						stored.put(rec)
					}
					return err
				},
				fetch: func(c conn, id string) (*provider.Record, error) {
					rec, err := c.fetch(id)
					if err == nil {
						rec.Data = bytes.Clone(stored.data(rec))
					}
					return rec, err
				},
			}
		},
		breaks: "save-keeps-nothing",
	},
	{
		name: "Save changes the time zone of what it is given",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if rec.ExpiresAt.Location() != time.UTC {
				rec.ExpiresAt = rec.ExpiresAt.UTC()
			}
			return c.save(rec, expectVersion)
		}),
		breaks: "save-changes-nothing",
	},
	{
		name: "Save appends to what it is given",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			_ = append(rec.Data, 0)
			return c.save(rec, expectVersion)
		}),
		breaks: "save-changes-nothing",
	},
	{
		name: "Fetch hands out what is stored",
		add: func(p provider.Provider) provider.Provider {
			var stored aliases
			return fetching(func(c conn, id string) (*provider.Record, error) {
				rec, err := c.fetch(id)
				if err == nil {
					rec.Data = stored.data(rec)
				}
				return rec, err
			})(p)
		},
		breaks: "fetch-owned",
	},
	{
		name: "a conflict hands out what is stored",
		add: func(p provider.Provider) provider.Provider {
			var stored aliases
			return hooks{
				Provider: p,
				save: conflictHook(func(_ conn, _ *provider.Record, _ int64, conflict *provider.ConflictError) error {
					if conflict.Current != nil {
						conflict.Current.Data = stored.data(conflict.Current)
					}
					return conflict
				}).save,
				fetch: func(c conn, id string) (*provider.Record, error) {
					rec, err := c.fetch(id)
					if err == nil {
						rec.Data = bytes.Clone(stored.data(rec))
					}
					return rec, err
				},
			}
		},
		breaks: "conflict-owned",
	},
	{
		name:   "a conflict brings along nothing",
		add:    conflicting(func(conn, *provider.Record, int64, *provider.ConflictError) error { return &provider.ConflictError{} }),
		breaks: "conflict-current",
	},
	{
		name: "a conflict brings along the loser",
		add: conflicting(func(_ conn, rec *provider.Record, _ int64, _ *provider.ConflictError) error {
			return &provider.ConflictError{Current: rec.Clone()}
		}),
		breaks: "conflict-current expired-update",
	},

	// Contexts.
	{
		name: "contexts are ignored",
		add: func(p provider.Provider) provider.Provider {
			return &storetest.Store{
				Provider: p,
				OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
					return next(context.WithoutCancel(ctx), id)
				},
				OnSave: func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
					return next(context.WithoutCancel(ctx), rec, expectVersion)
				},
				OnDelete: func(ctx context.Context, id string, next storetest.DeleteFunc) error {
					return next(context.WithoutCancel(ctx), id)
				},
			}
		},
		breaks: "context-cancelled context-cancelled-meanwhile context-expired context-expired-meanwhile context-only-times-out context-reserve",
	},
	{
		name: "the driver's error when a context ends meanwhile",
		add: func(p provider.Provider) provider.Provider {
			hide := func(err error) error {
				if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
					return errFailed
				}
				return err
			}
			return hooks{
				Provider: p,
				fetch: func(c conn, id string) (*provider.Record, error) {
					rec, err := c.fetch(id)
					return rec, hide(err)
				},
				save: func(c conn, rec *provider.Record, expectVersion int64) error {
					return hide(c.save(rec, expectVersion))
				},
				delete: func(c conn, id string) error { return hide(c.delete(id)) },
			}
		},
		breaks: "context-cancelled-meanwhile context-expired-meanwhile context-only-times-out",
	},
	{
		name: "a context that only times out is left to the driver, which keeps to no deadline",
		add: func(p provider.Provider) provider.Provider {
			return fetchingUnder(p, func(ctx context.Context) context.Context {
				if provider.OnlyTimesOut(ctx) {
					return context.WithoutCancel(ctx)
				}
				return ctx
			})
		},
		breaks: "context-only-times-out",
	},
	{
		name: "a context of the reserve is ignored",
		add: func(p provider.Provider) provider.Provider {
			return fetchingUnder(p, func(ctx context.Context) context.Context {
				if provider.UsesReserve(ctx) {
					return context.WithoutCancel(ctx)
				}
				return ctx
			})
		},
		breaks: "context-reserve",
	},
	{
		name: "a Save that is given up is said not to be saved",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			done := make(chan error, 1)
			rec = rec.Clone()
			go func() { done <- c.Save(context.WithoutCancel(c.ctx), rec, expectVersion) }()
			select {
			case err := <-done:
				return err
			case <-c.ctx.Done():
				return fmt.Errorf("%w: %w", provider.ErrNotSaved, c.ctx.Err())
			}
		}),
		breaks: "not-saved",
	},

	// Concurrency.
	{
		name: "busy while in use",
		add: func(p provider.Provider) provider.Provider {
			var busy atomic.Bool
			return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
				if !busy.CompareAndSwap(false, true) {
					return errFailed
				}
				defer busy.Store(false)
				return c.save(rec, expectVersion)
			})(p)
		},
		breaks: "race-apart race-count race-create race-retry race-unchecked race-update",
	},
	{
		name: "a save in two steps",
		add: saving(func(c conn, rec *provider.Record, expectVersion int64) error {
			if expectVersion < 0 || expired(rec) {
				return c.save(rec, expectVersion)
			}
			first := rec.Clone()
			first.Data = nil
			if err := c.save(first, expectVersion); err != nil {
				return err
			}
			err := c.save(rec, rec.Version)
			if errors.Is(err, provider.ErrNotSaved) { // but the first step was
				return c.ctx.Err()
			}
			return err
		}),
		breaks: "race-count race-read",
	},
}

// fetchingUnder returns p with another context for Fetch.
func fetchingUnder(p provider.Provider, under func(context.Context) context.Context) provider.Provider {
	return &storetest.Store{
		Provider: p,
		OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			return next(under(ctx), id)
		},
	}
}
