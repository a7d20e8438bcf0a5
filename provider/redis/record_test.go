package redis_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// What is stored must stay readable by later versions of this package.
func TestLayout(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	p := redis.New(client, redis.Prefix(pre))
	rec := &provider.Record{
		ID:        "layout",
		Version:   0x0102030405060708,
		ExpiresAt: time.Date(9999, time.December, 31, 23, 59, 59, 999e6, time.UTC),
		Format:    "cbor",
		Data:      []byte("data"),
	}
	const value = "\xf5HF\x01" + "\x01\x02\x03\x04\x05\x06\x07\x08" + "\x00\x00\xe6\x77\xd2\x1f\xdb\xff" + "\x04cbor" + "data"

	save(t, p, rec, 0)
	if got := do(t, client, "GET", pre+"layout"); got != value {
		t.Errorf("stored %q, want %q", got, value)
	}

	do(t, client, "SET", pre+"layout", value)
	got, err := p.Fetch(t.Context(), "layout")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != rec.Version || !got.ExpiresAt.Equal(rec.ExpiresAt) || got.Format != rec.Format || !bytes.Equal(got.Data, rec.Data) {
		t.Errorf("fetched %+v, want %+v", got, rec)
	}
}

// What is not a record is neither read nor changed nor deleted.
func TestForeignValueStays(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	p := redis.New(client, redis.Prefix(pre))
	rec := record()
	key := pre + rec.ID
	for name, put := range map[string][]any{
		"list":           {"RPUSH", key, "a"},
		"hash":           {"HSET", key, "a", "b"},
		"empty string":   {"SET", key, ""},
		"short string":   {"SET", key, "abc"},
		"text":           {"SET", key, strings.Repeat("text", 20)},
		"other layout":   {"SET", key, "\xf5HF\x02" + strings.Repeat("\x00", 40)},
		"number":         {"SET", key, int64(12345678901234)},
		"begins as ours": {"SET", key, "\xf5HF\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			do(t, client, "DEL", key)
			do(t, client, put...)
			before := do(t, client, "DUMP", key)
			for _, c := range calls {
				if c.name == "Save of another" {
					continue
				}
				err := c.do(t.Context(), p, rec)
				fails(t, c.name, err)
				if err != nil && !strings.Contains(err.Error(), "not a record") {
					t.Errorf("%s: got error %q, want one that says what is there", c.name, err)
				}
			}
			err := p.Save(t.Context(), rec, -1)
			fails(t, "Save without a check", err)
			if after := do(t, client, "DUMP", key); after != before {
				t.Error("it was changed")
			}
		})
	}
}

func TestDamagedRecordIsNotRead(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	p := redis.New(client, redis.Prefix(pre))
	rec := record()
	save(t, p, rec, 0)
	whole := do(t, client, "GET", pre+rec.ID).(string)
	for size := range len(whole) - len(rec.Data) {
		do(t, client, "SET", pre+rec.ID, whole[:size])
		_, err := p.Fetch(t.Context(), rec.ID)
		fails(t, "Fetch", err)
		fails(t, "Save", p.Save(t.Context(), successor(rec), 7))
	}
}

func TestTooLargeIsRefusedBeforeIO(t *testing.T) {
	client := goredis.NewClient(&goredis.Options{Addr: testserver.SharedRedis(t)})
	client.Close()
	p := redis.New(client)
	rec := record()
	rec.Data = make([]byte, 16<<20)
	if err := p.Save(t.Context(), rec, 0); !errors.Is(err, provider.ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
}

func TestLargestValue(t *testing.T) {
	p := open(t, "redis://"+testserver.SharedRedis(t))
	rec := record()
	rec.Data = bytes.Repeat([]byte("x"), 16<<20-21-len(rec.Format))
	save(t, p, rec, 0)
	holds(t, p, rec)
	if err := p.Save(t.Context(), successor(rec), 7); !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
	if err := p.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
}

func TestPrefix(t *testing.T) {
	client, pre := admin(t, testserver.SharedRedis(t)), prefix(t)
	one, two := redis.New(client, redis.Prefix(pre+"one:")), redis.New(client, redis.Prefix(pre+"two:"))
	rec := stored(t, one)
	if do(t, client, "EXISTS", pre+"one:"+rec.ID) != int64(1) {
		t.Error("there is no key of prefix and ID")
	}
	if _, err := two.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("Fetch with another prefix: got error %v, want ErrNotFound", err)
	}
	if err := two.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
	holds(t, one, rec)

	byDefault := redis.New(client)
	rec = stored(t, byDefault)
	if do(t, client, "EXISTS", "holdfast:"+rec.ID) != int64(1) {
		t.Error("the default prefix is not holdfast:")
	}
	if err := byDefault.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
}
