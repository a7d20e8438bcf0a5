package dynamodb_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

// lists wants List to yield these records, in any order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...*provider.Record) {
	t.Helper()
	got := make(map[string]int64)
	for rec, err := range provider.List(t.Context(), p, prefix) {
		if err != nil {
			t.Fatalf("List of prefix %q: %v", prefix, err)
		}
		got[rec.ID] = rec.Version
	}
	for _, rec := range want {
		if got[rec.ID] != rec.Version {
			t.Errorf("List of prefix %q: got version %d, want %d", prefix, got[rec.ID], rec.Version)
		}
	}
	if len(got) != len(want) {
		t.Errorf("List of prefix %q: got %d records, want %d", prefix, len(got), len(want))
	}
}

func TestListKeepsToThePrefixOfItems(t *testing.T) {
	f := newFixture(t)
	at := func(prefix string) provider.Provider {
		return dynamodbprovider.New(f.client, f.table, dynamodbprovider.Prefix(prefix))
	}
	mine, others := newRecord(), newRecord()
	for prefix, rec := range map[string]*provider.Record{"shop/": mine, "shop": others, "forum/": others, "": others} {
		if err := at(prefix).Save(t.Context(), rec, 0); err != nil {
			t.Fatal(err)
		}
	}
	f.put(t, item{"id": text("shop/"), "note": text("no record has an empty ID")})
	f.put(t, item{"id": text("shop/" + strings.Repeat("x", 256)), "note": text("nor one so long")})
	lists(t, at("shop/"), "", mine)
	lists(t, at("shop/"), mine.ID, mine)
	lists(t, at("shop/"), others.ID)
	lists(t, at("none/"), "")
}

// What has expired stays for days. It is neither listed nor sent.
func TestListLeavesOutWhatHasExpired(t *testing.T) {
	f := newFixture(t)
	rec, never, stale := newRecord(), newRecord(), f.stale(t)
	never.ExpiresAt = time.Time{}
	f.save(t, rec, 0)
	f.save(t, never, 0)
	lists(t, f, "", rec, never)
	if f.get(t, stale.ID) == nil {
		t.Error("the item was removed: the test shows nothing")
	}
	if body := f.wire.last(); !strings.Contains(body, "expires > :now") {
		t.Errorf("the server is asked for all: %s", body)
	}
}

func TestListIsConsistent(t *testing.T) {
	f := newFixture(t)
	lists(t, f, "")
	f.carried(t, "Scan")
	if body := f.wire.last(); !strings.Contains(body, `"ConsistentRead":true`) {
		t.Errorf("Scan is %s", body)
	}
}

// A page is 1 MB of items, before those that are not asked for are left out.
func TestListGoesOnAfterAnEmptyPage(t *testing.T) {
	f := newFixture(t)
	for range 6 {
		rec := newRecord()
		rec.ID = "large-" + rec.ID
		rec.Data = make([]byte, 390<<10)
		f.save(t, rec, 0)
	}
	rec := newRecord()
	f.save(t, rec, 0)
	f.wire.reset()
	lists(t, f, rec.ID, rec)
	if got := len(f.wire.operations()); got < 2 {
		t.Errorf("%d pages: the test shows nothing", got)
	}
}

func TestListOfForeignItem(t *testing.T) {
	f := newFixture(t)
	f.put(t, item{"id": text("foreign"), "data": text("secret")})
	discreet(t, list(t.Context(), f), "an item is not of this package", "foreign", "secret")
}

func TestListFailsOnAnyPage(t *testing.T) {
	f := newFixture(t)
	for range 5 {
		rec := newRecord()
		rec.Data = make([]byte, 390<<10)
		f.save(t, rec, 0)
	}
	f.wire.set(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
		if n == 1 {
			return send()
		}
		return answer(400, "AccessDeniedException", "not the second"), nil
	})
	discreet(t, list(t.Context(), f), "not the second")
}

// The filter goes by the time at which the listing has begun.
func TestListLeavesOutWhatExpiresMeanwhile(t *testing.T) {
	f := newFixture(t)
	brief, rec := newRecord(), newRecord()
	brief.ExpiresAt = time.Now().Add(time.Second)
	f.save(t, brief, 0)
	f.save(t, rec, 0)
	f.wire.set(func(_ int, send func() (*http.Response, error)) (*http.Response, error) {
		<-time.After(time.Until(brief.ExpiresAt) + time.Millisecond)
		return send()
	})
	lists(t, f, "", rec)
}
