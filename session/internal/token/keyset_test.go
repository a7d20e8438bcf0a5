package token

import (
	"encoding/base64"
	"hash/maphash"
	"strings"
	"testing"
)

// A site with as many visitors does not check their signatures again at each request.
func TestCacheOf50000Cookies(t *testing.T) {
	cache := &verifiedCache{seed: maphash.MakeSeed()}
	values := make([]string, 50_000)
	for i := range values {
		token := New()
		values[i] = base64.StdEncoding.EncodeToString(append(make([]byte, ValueLength/4*3-size), token...))
		cache.add(Identity{Token: token, Value: values[i]})
	}
	found := 0
	for _, value := range values {
		if cache.find(value).Token != nil {
			found++
		}
	}
	if found < 48_000 {
		t.Errorf("%d of %d cookies are found", found, len(values))
	}
	if cache.find(strings.Repeat("x", ValueLength)).Token != nil {
		t.Error("a cookie that was not added is found")
	}
}
