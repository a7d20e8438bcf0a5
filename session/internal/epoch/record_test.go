package epoch_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// The record's bytes are read by other versions.
func TestRecordLayout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(t, store())
		in.advance()
		in.advance()
		rec, err := in.mem.Fetch(t.Context(), recordID)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0xdc, 0x6a, 0xcf, 0xac, 0} // midnight of 2000-01-01 UTC
		if rec.Format != "holdfast-epoch" || !rec.ExpiresAt.IsZero() || !bytes.Equal(rec.Data, want) {
			t.Errorf("format %q, expires %v, data %x", rec.Format, rec.ExpiresAt, rec.Data)
		}
		n, since, err := epoch.Decode(rec.Data)
		if n != 2 || !since.Equal(time.Now()) || err != nil {
			t.Errorf("epoch %d since %v, %v", n, since, err)
		}
	})
}

// A record that cannot be read may have ended sessions, and is never overwritten.
func TestUnreadableRecord(t *testing.T) {
	good := []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0xdc, 0x6a, 0xcf, 0xac, 0}
	changed := func(at int, to byte) []byte {
		data := bytes.Clone(good)
		data[at] = to
		return data
	}
	for name, rec := range map[string]provider.Record{
		"of another format":    {Format: "cbor", Data: good},
		"of another layout":    {Format: epoch.Format, Data: changed(0, 2)},
		"cut":                  {Format: epoch.Format, Data: good[:16]},
		"empty":                {Format: epoch.Format},
		"a byte more":          {Format: epoch.Format, Data: append(bytes.Clone(good), 0)},
		"epoch 0":              {Format: epoch.Format, Data: changed(8, 0)},
		"an epoch too large":   {Format: epoch.Format, Data: changed(1, 1)},
		"in a year too far":    {Format: epoch.Format, Data: changed(9, 1)},
		"of a version too low": {Format: epoch.Format, Data: good, Version: 5},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(t, store())
			rec.ID = recordID
			if rec.Version == 0 {
				rec.Version = 1<<32 | 7
			}
			if err := in.mem.Save(t.Context(), &rec, -1); err != nil {
				t.Fatal(err)
			}
			wantErr(t, in.Current(t.Context()), records.ErrUnreadable)
			_, _, err := in.Advance(t.Context())
			wantErr(t, err, records.ErrUnreadable)
			if n := in.via.Saves.Load(); n != 0 {
				t.Errorf("%d saves", n)
			}
		})
	}
}
