package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestTheShopOnEveryStore(t *testing.T) {
	for name, storeURL := range map[string]func(testing.TB) string{
		"memory":   func(testing.TB) string { return "memory:" },
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/shop.db" },
		"redis":    func(tb testing.TB) string { return "redis://" + testserver.SharedRedis(tb) + "/0?read_timeout=1m" },
		"postgres": testserver.SharedPostgres,
		"dynamodb": func(tb testing.TB) string {
			return "dynamodb://shop?endpoint=" + url.QueryEscape(testserver.SharedDynamoDB(tb))
		},
		"etcd": testserver.SharedEtcd,
		"nats": testserver.SharedNats,
	} {
		t.Run(name, func(t *testing.T) {
			store, closeStore, err := openStore(t.Context(), storeURL(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(closeStore) // after the visitor's server
			v := newVisitorOf(t, store)
			v.post("/basket", "product", "rope")
			v.signUp("ada", "correct horse")
			if _, page := v.get("/"); !strings.Contains(page, `id="count-rope">1<`) || !strings.Contains(page, `id="user">ada<`) {
				t.Errorf("signed up with a rope:\n%s", page)
			}
			v.race(20)
			if _, counts := v.get("/race"); !strings.Contains(counts, `"basket":20`) {
				t.Error(counts)
			}
			other := v.anotherDevice("ada", "correct horse")
			v.wantDevices(2)
			v.post("/signout/others")
			other.wantSignedOut()
			v.wantDevices(1)
			old := v.cookie()
			v.post("/signout")
			v.setCookie(old)
			if status, _ := v.post("/basket", "product", "rope"); status != http.StatusConflict {
				t.Errorf("a change after the sign-out: %d", status)
			}
		})
	}
}

func TestAStoreThatIsNone(t *testing.T) {
	for _, storeURL := range []string{
		"", "mysql://localhost", "sqlite:", "sqlite:x.db?table=", "sqlite://u:secret@h/x.db", "redis://:secret@[",
		"postgres://u:secret@localhost:0x/", "postgres://u:a@secret@127.0.0.1:x/db",
		"dynamodb://%zz", "dynamodb://AKIA:secret@ta ble", "dynamodb://AKIA:secret@table",
		"dynamodb:", "dynamodb://table?endpoint=%zz", "dynamodb://table?endpiont=http://localhost:8000",
		"etcd://u:secret@", "nats://u:secret@",
	} {
		_, _, err := openStore(t.Context(), storeURL)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", storeURL, err)
		}
	}
}
