package etcd_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// expire changes the value of a record so that it has just expired.
func expire(t *testing.T, client *clientv3.Client, key string) {
	t.Helper()
	v := []byte(value(t, client, key))
	binary.BigEndian.PutUint64(v[12:], uint64(time.Now().UnixMilli()))
	put(t, client, key, string(v))
}

// expired returns a record that has expired but is still in the database, and its key.
func expired(t *testing.T) (p *etcd.Provider, rec *provider.Record, held func() string) {
	t.Helper()
	p, client, prefix := store(t)
	rec = storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	expire(t, client, prefix+rec.ID)
	return p, rec, func() string { return value(t, client, prefix+rec.ID) }
}

func TestExpiredKeyIsAbsent(t *testing.T) {
	t.Run("to Fetch", func(t *testing.T) {
		p, rec, _ := expired(t)
		storetest.WantNoRecord(t, p, rec.ID)
	})
	t.Run("to an update", func(t *testing.T) {
		p, rec, _ := expired(t)
		wantAbsent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
		storetest.WantNoRecord(t, p, rec.ID)
	})
	t.Run("to a repeated create", func(t *testing.T) {
		p, rec, _ := expired(t)
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to a repeated update", func(t *testing.T) {
		p, rec, _ := expired(t)
		wantAbsent(t, storetest.Save(t, p, rec, rec.Version+1, provider.ErrVersionConflict))
	})
	t.Run("to a create", func(t *testing.T) {
		p, rec, _ := expired(t)
		storetest.Save(t, p, storetest.Next(rec), 0, nil)
	})
	t.Run("to an unchecked Save", func(t *testing.T) {
		p, rec, _ := expired(t)
		rec = storetest.Next(rec)
		storetest.Save(t, p, rec, -1, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to List", func(t *testing.T) {
		p, _, held := expired(t)
		if ids, err := storetest.List(context.WithoutCancel(t.Context()), p, ""); len(ids) > 0 || err != nil {
			t.Errorf("List: got %q and error %v, want none", ids, err)
		}
		if held() == "" {
			t.Error("the key is gone")
		}
	})
}

// A record that has expired when it is saved takes no space.
func TestExpiredRecordIsNotStored(t *testing.T) {
	p, client, prefix := store(t)
	rec := storetest.NewRecord()
	for _, expectVersion := range []int64{0, 1, -1} {
		if expectVersion > 0 {
			storetest.Save(t, p, rec, 0, nil)
		}
		over := storetest.Next(rec)
		over.ExpiresAt = time.Now().Add(-time.Second)
		storetest.Save(t, p, over, expectVersion, nil)
		if n := count(t, client, prefix); n != 0 {
			t.Errorf("expecting %d: %d keys, want none", expectVersion, n)
		}
	}
}
