package nats_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
)

// only returns the only message of a bucket.
func only(t *testing.T, js jetstream.JetStream, bucket string) *jetstream.RawStreamMsg {
	t.Helper()
	stream, err := js.Stream(t.Context(), "KV_"+bucket)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.LastSeq)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The server removes what has expired, a minute later. What does not expire stays.
func TestTTL(t *testing.T) {
	for name, test := range map[string]struct {
		life time.Duration
		want []string
	}{
		"an hour":   {time.Hour, []string{"3659", "3660"}},
		"a second":  {time.Second, []string{"60", "61"}},
		"never":     {0, []string{""}},
		"200 years": {200 * 365 * 24 * time.Hour, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			p, js, bucket := store(t)
			rec := storetest.NewRecord()
			rec.ExpiresAt = time.Now().Add(test.life)
			if test.life == 0 {
				rec.ExpiresAt = time.Time{}
			}
			storetest.Save(t, p, rec, 0, nil)
			got := only(t, js, bucket).Header.Get("Nats-TTL")
			for _, want := range test.want {
				if got == want {
					return
				}
			}
			t.Errorf("the TTL is %q, want one of %q", got, test.want)
		})
	}
}

func TestMarkerOfADeletionExpires(t *testing.T) {
	p, js, bucket := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	if err := p.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	m := only(t, js, bucket)
	if ttl := m.Header.Get("Nats-TTL"); ttl != "60" || len(m.Data) > 0 {
		t.Errorf("the marker has TTL %q and %d bytes", ttl, len(m.Data))
	}
	kv, err := js.KeyValue(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := kv.Keys(t.Context()); !errors.Is(err, jetstream.ErrNoKeysFound) {
		t.Errorf("other clients find keys %q, %v", keys, err)
	}
}

// expired returns a record that has expired but is still in the bucket.
func expired(t *testing.T) (*nats.Provider, *provider.Record) {
	t.Helper()
	p, js, bucket := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	m := only(t, js, bucket)
	binary.BigEndian.PutUint64(m.Data[12:], uint64(time.Now().UnixMilli()))
	if _, err := js.Publish(t.Context(), m.Subject, m.Data); err != nil {
		t.Fatal(err)
	}
	return p, rec
}

func TestExpiredMessageIsAbsent(t *testing.T) {
	absent := func(t *testing.T, err error) {
		t.Helper()
		if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
			t.Errorf("got %#v, want a ConflictError without a current record", err)
		}
	}
	t.Run("to Fetch", func(t *testing.T) {
		p, rec := expired(t)
		storetest.WantNoRecord(t, p, rec.ID)
	})
	t.Run("to an update", func(t *testing.T) {
		p, rec := expired(t)
		absent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
		absent(t, storetest.Save(t, p, rec, rec.Version+1, provider.ErrVersionConflict))
	})
	t.Run("to a create", func(t *testing.T) {
		p, rec := expired(t)
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to List", func(t *testing.T) {
		p, _ := expired(t)
		if ids, err := storetest.List(t.Context(), p, ""); len(ids) > 0 || err != nil {
			t.Errorf("List: got %q and error %v, want none", ids, err)
		}
	})
}

// What another program has stored is not read.
func TestForeignValueIsUnreadable(t *testing.T) {
	p, js, bucket := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	m := only(t, js, bucket)
	for n := range m.Data[:21+len(rec.Format)] {
		if _, err := js.Publish(t.Context(), m.Subject, m.Data[:n]); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrUnreadable) {
			t.Errorf("the first %d bytes: got error %v, want ErrUnreadable", n, err)
		}
		err := p.Save(t.Context(), storetest.Next(rec), rec.Version)
		if !errors.Is(err, provider.ErrUnreadable) {
			t.Errorf("the first %d bytes: got error %v, want ErrUnreadable", n, err)
		}
		isOutcome(t, "Save", err, refused)
	}
}
