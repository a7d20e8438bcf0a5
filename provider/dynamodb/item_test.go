package dynamodb_test

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

func TestAttributes(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		rule          string
		expires       time.Time
		wantMs, wantS string // none if empty
	}{
		{"a whole second", time.UnixMilli(4_000_000_000_000), "4000000000000", "4000000000"},
		{"seconds are rounded up", time.UnixMilli(4_000_000_000_001), "4000000000001", "4000000001"},
		{"milliseconds are rounded down", time.UnixMilli(4_000_000_000_999).Add(999_999), "4000000000999", "4000000001"},
		{"no expiry, no TTL", time.Time{}, "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			rec := newRecord()
			rec.Version = math.MaxInt64
			rec.ExpiresAt = c.expires
			f.save(t, rec, 0)
			want := item{
				"id":      text(rec.ID),
				"version": number("9223372036854775807"),
				"format":  text(rec.Format),
				"data":    &types.AttributeValueMemberB{Value: rec.Data},
			}
			if c.wantMs != "" {
				want["expires"], want["ttl"] = number(c.wantMs), number(c.wantS)
			}
			if got := f.get(t, rec.ID); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestAnUpdateWithoutExpiryLeavesNoTTL(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	next := successor(rec)
	next.ExpiresAt = time.Time{}
	f.save(t, next, rec.Version)
	if it := f.get(t, rec.ID); it["ttl"] != nil || it["expires"] != nil {
		t.Errorf("the item has ttl %v, expires %v", it["ttl"], it["expires"])
	}
}

func TestARecordSavedExpiredLeavesNoItem(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	next := successor(rec)
	next.ExpiresAt = time.Unix(0, 0) // DynamoDB's TTL does not remove what is over five years old
	f.save(t, next, rec.Version)
	if it := f.get(t, rec.ID); it != nil {
		t.Errorf("the item is still there: %v", it)
	}
}

func TestPrefix(t *testing.T) {
	f := newFixture(t, dynamodbprovider.Prefix("shop/"))
	other := dynamodbprovider.New(newClient(t, f.wire), f.table, dynamodbprovider.Prefix("forum/"))
	rec := newRecord()
	f.save(t, rec, 0)

	if f.get(t, "shop/"+rec.ID) == nil {
		t.Error("there is no item with the prefix")
	}
	got, err := f.Fetch(t.Context(), rec.ID)
	if err != nil || got.ID != rec.ID {
		t.Errorf("Fetch: got %v, %v", got, err)
	}
	if conflict := f.conflict(t, successor(rec), 0); conflict.Current == nil || conflict.Current.ID != rec.ID {
		t.Errorf("the conflict has %v", conflict.Current)
	}
	if err := other.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
	if _, err := other.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("another prefix: got %v, want ErrNotFound", err)
	}
	if err := f.Delete(t.Context(), rec.ID); err != nil || f.get(t, "shop/"+rec.ID) != nil {
		t.Errorf("Delete: got %v, and the item %v", err, f.get(t, "shop/"+rec.ID))
	}
}

func TestLongestPrefix(t *testing.T) {
	f := newFixture(t, dynamodbprovider.Prefix(strings.Repeat("p", 1793)))
	rec := newRecord()
	rec.ID += strings.Repeat("x", provider.MaxIDLength-len(rec.ID))
	f.save(t, rec, 0)
	for _, prefix := range []string{strings.Repeat("p", 1794), "\xff"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a prefix of %d bytes did not panic", len(prefix))
				}
			}()
			dynamodbprovider.Prefix(prefix)
		}()
	}
}

func TestSize(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	f.save(t, rec, 0)
	sized := func(total int) *provider.Record {
		next := successor(rec)
		next.Data = make([]byte, total-len("idversionexpiresttlformatdata"+rec.ID+rec.Format))
		return next
	}
	const limit = 400 << 10
	for _, c := range []struct {
		rule     string
		size     int // without the numbers
		tooLarge bool
		requests []string
	}{
		{"more than fits is not sent", limit + 1, true, nil},
		{"how large numbers are the server knows", limit, true, []string{"PutItem"}},
		{"what fits is stored", limit - 60, false, []string{"PutItem"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			next := sized(c.size)
			f.wire.reset()
			err := f.Save(t.Context(), next, rec.Version)
			if errors.Is(err, provider.ErrTooLarge) != c.tooLarge || !c.tooLarge && err != nil {
				t.Errorf("got %v", err)
			}
			f.carried(t, c.requests...)
			want := rec
			if !c.tooLarge {
				want = next
			}
			if got, err := f.Fetch(t.Context(), rec.ID); err != nil || got.Version != want.Version || len(got.Data) != len(want.Data) {
				t.Errorf("Fetch: %v", err)
			}
		})
	}
}

func TestItemsThatAreNoRecords(t *testing.T) {
	f := newFixture(t)
	for attr, values := range map[string][]types.AttributeValue{
		"version": {nil, text("1"), number("1.5"), number("9223372036854775808")},
		"expires": {text("never"), number("1e30")},
		"format":  {nil, number("1")},
		"data":    {nil, text("data")},
	} {
		for i, value := range values {
			t.Run(attr+strconv.Itoa(i), func(t *testing.T) {
				rec := newRecord()
				it := item{"id": text(rec.ID), "version": number("1"), "format": text(""), "data": &types.AttributeValueMemberB{Value: []byte("SECRET")}}
				delete(it, attr)
				if value != nil {
					it[attr] = value
				}
				f.put(t, it)
				_, err := f.Fetch(t.Context(), rec.ID)
				discreet(t, err, `"`+attr+`"`, rec.ID, "SECRET")
				err = f.Save(t.Context(), rec, 0)
				discreet(t, err, `"`+attr+`"`, rec.ID, "SECRET")
				if errors.Is(err, provider.ErrNotFound) || errors.Is(err, provider.ErrVersionConflict) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}
