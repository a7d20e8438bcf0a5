package dynamodb_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
)

// stale writes an item that has expired but that no TTL removes, and returns the
// record that it was.
func (f *fixture) stale(t *testing.T) *provider.Record {
	t.Helper()
	rec := newRecord()
	rec.ExpiresAt = time.Now().Add(-time.Millisecond)
	f.putRecord(t, transport, rec)
	return rec
}

// putRecord writes a record past the provider, without what TTL would remove it by.
func (f *fixture) putRecord(t *testing.T, over http.RoundTripper, rec *provider.Record) {
	t.Helper()
	_, err := newClient(t, over).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &f.table, Item: item{
		"id":      text(rec.ID),
		"version": number(strconv.FormatInt(rec.Version, 10)),
		"expires": number(strconv.FormatInt(rec.ExpiresAt.UnixMilli(), 10)),
		"format":  text(rec.Format),
		"data":    &types.AttributeValueMemberB{Value: rec.Data},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestItemsThatHaveExpiredAreAbsent(t *testing.T) {
	f := newFixture(t)
	live := func(rec *provider.Record) *provider.Record {
		rec = rec.Clone()
		rec.ExpiresAt = time.Now().Add(time.Hour)
		return rec
	}
	stays := func(t *testing.T, rec *provider.Record) {
		if f.get(t, rec.ID) == nil {
			t.Error("the item was removed: the test shows nothing")
		}
	}
	for _, c := range []struct {
		rule  string
		check func(t *testing.T, old *provider.Record)
	}{
		{"Fetch does not find it", func(t *testing.T, old *provider.Record) {
			if _, err := f.Fetch(t.Context(), old.ID); !errors.Is(err, provider.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			stays(t, old)
		}},
		{"an update conflicts, with no record", func(t *testing.T, old *provider.Record) {
			if got := f.conflict(t, live(successor(old)), old.Version).Current; got != nil {
				t.Errorf("the conflict has version %d", got.Version)
			}
			stays(t, old)
		}},
		{"it is not an own earlier attempt", func(t *testing.T, old *provider.Record) {
			if got := f.conflict(t, live(old), newVersion()).Current; got != nil {
				t.Errorf("the conflict has version %d", got.Version)
			}
			stays(t, old)
		}},
		{"an update that has expired itself conflicts, too", func(t *testing.T, old *provider.Record) {
			next := successor(old)
			next.ExpiresAt = time.Unix(1, 0)
			if got := f.conflict(t, next, old.Version).Current; got != nil {
				t.Errorf("the conflict has version %d", got.Version)
			}
			stays(t, old)
		}},
		{"a create replaces it", func(t *testing.T, old *provider.Record) {
			next := live(successor(old))
			if err := f.Save(t.Context(), next, 0); err != nil {
				t.Error(err)
			}
			if got, err := f.Fetch(t.Context(), old.ID); err != nil || got.Version != next.Version {
				t.Errorf("Fetch: got %v, %v", got, err)
			}
		}},
		{"a create with the same version replaces it", func(t *testing.T, old *provider.Record) {
			if err := f.Save(t.Context(), live(old), 0); err != nil {
				t.Error(err)
			}
			if _, err := f.Fetch(t.Context(), old.ID); err != nil {
				t.Errorf("Fetch: %v", err)
			}
		}},
		{"an unchecked Save replaces it", func(t *testing.T, old *provider.Record) {
			if err := f.Save(t.Context(), live(old), -1); err != nil {
				t.Error(err)
			}
			if _, err := f.Fetch(t.Context(), old.ID); err != nil {
				t.Errorf("Fetch: %v", err)
			}
		}},
	} {
		t.Run(c.rule, func(t *testing.T) { c.check(t, f.stale(t)) })
	}
}

// The clock of a synctest bubble stands still, so that a record can be met at the
// very millisecond of its ExpiresAt.
func TestExpiryToTheMillisecond(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		rule string
		left time.Duration
		live bool
	}{
		{"a millisecond before, it is there", time.Millisecond, true},
		{"at the millisecond, it is absent", 0, false},
		{"what is finer is not counted", time.Millisecond - 1, false},
	} {
		for verb, live := range map[string]func(context.Context, provider.Provider, *provider.Record) bool{
			"Fetch": func(ctx context.Context, p provider.Provider, rec *provider.Record) bool {
				_, err := p.Fetch(ctx, rec.ID)
				return !errors.Is(err, provider.ErrNotFound)
			},
			"create": func(ctx context.Context, p provider.Provider, rec *provider.Record) bool {
				return errors.Is(p.Save(ctx, successor(rec), 0), provider.ErrVersionConflict)
			},
			"update": func(ctx context.Context, p provider.Provider, rec *provider.Record) bool {
				return p.Save(ctx, successor(rec), rec.Version) == nil
			},
			"conflict": func(ctx context.Context, p provider.Provider, rec *provider.Record) bool {
				conflict, ok := errors.AsType[*provider.ConflictError](p.Save(ctx, successor(rec), newVersion()))
				return !ok || conflict.Current != nil
			},
			"own attempt": func(ctx context.Context, p provider.Provider, rec *provider.Record) bool {
				return p.Save(ctx, rec, newVersion()) == nil
			},
		} {
			t.Run(c.rule+"/"+verb, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					own := &http.Transport{}
					defer own.CloseIdleConnections()
					rec := newRecord()
					rec.ExpiresAt = time.Now().Add(c.left)
					f.putRecord(t, own, rec)
					if got := live(t.Context(), f.over(t, own), rec); got != c.live {
						t.Errorf("it is there: %v, want %v", got, c.live)
					}
				})
			})
		}
	}
}
