package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestCensus(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	c := newCensus(at)
	count := func(publicID string, size int, age, left time.Duration) {
		rec := &provider.Record{ID: publicID, Format: "cbor"}
		info := &session.Info{Kind: session.KindSession, PublicID: publicID, CreatedAt: at.Add(-age), ExpiresAt: at.Add(left)}
		c.count(entry{Record: rec, Info: info, kind: session.KindSession, size: size})
	}
	count("a", 10, 59*time.Minute, time.Hour)
	count("b", 60, time.Hour, time.Hour+1)
	count("c", 50, 24*time.Hour, 24*time.Hour)
	count("d", 40, 7*24*time.Hour, 24*time.Hour+1)
	count("e", 60, 30*24*time.Hour, time.Minute)
	count("f", 20, 0, time.Minute)
	count("e", 60, 30*24*time.Hour, time.Minute) // once more

	if got, want := fmt.Sprint(c.Largest), "[{b 60} {e 60} {c 50} {d 40} {f 20}]"; got != want {
		t.Errorf("the largest are %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(c.Expiring), "map[1d:6 1h:4]"; got != want {
		t.Errorf("expiring are %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(c.Ages), "map[1d:1 1h:2 30d:1 7d:1 older:2]"; got != want {
		t.Errorf("the ages are %s, want %s", got, want)
	}
	if c.Records != 7 || c.Bytes != 300 || c.Unowned != 7 || c.Owners != 0 {
		t.Errorf("counted %+v", c)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 5 << 50: "5120.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
