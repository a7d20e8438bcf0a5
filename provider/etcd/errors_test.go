package etcd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// withUsers returns a server that requires a user: root with the password "secret", app
// with "app's" and permission for the prefix "app/".
func withUsers(t *testing.T) *testserver.Server {
	t.Helper()
	server := testserver.Etcd(t)
	client, ctx := dial(t, server.URL), t.Context()
	steps := []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.UserAdd(ctx, "app", "app's"); return err },
		func() error { _, err := client.RoleAdd(ctx, "app"); return err },
		func() error {
			_, err := client.RoleGrantPermission(ctx, "app", "app/", "app0", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := client.UserGrantRole(ctx, "app", "app"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil && !strings.Contains(err.Error(), "already exists") {
			t.Fatal(err)
		}
	}
	return server
}

func TestUsers(t *testing.T) {
	server := withUsers(t)
	for _, test := range []struct {
		name, credentials, prefix string
		want                      string // in every error; "": there is none
	}{
		{"a user with permission", "app:app%27s@", "app/", ""},
		{"another prefix", "app:app%27s@", "shop/", `etcdctl role grant-permission ROLE --prefix=true readwrite "shop/"`},
		{"a wrong password", "app:hunter2@", "app/", "the user or the password is wrong"},
		{"no user", "", "app/", "the server requires a user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rec := storetest.NewRecord()
			p := open(t, "etcd://"+test.credentials+server.Addr, etcd.Prefix(test.prefix))
			each(t, p, rec, func(t *testing.T, name string, err error) {
				if test.want == "" {
					if err != nil && !errors.Is(err, provider.ErrNotFound) && !errors.Is(err, provider.ErrVersionConflict) {
						t.Errorf("got error %v", err)
					}
					return
				}
				discreet(t, err, rec)
				if !strings.Contains(fmt.Sprint(err), test.want) || strings.Contains(fmt.Sprint(err), "hunter2") {
					t.Errorf("got error %q, want one with %q", err, test.want)
				}
			})
			if test.want != "" {
				ends(t, t.Context(), p, refused)
			}
		})
	}
}

// A login is repeated as needed: after the server was away, and after it has forgotten
// the client.
func TestLoginIsRepeated(t *testing.T) {
	server := withUsers(t)
	url := "etcd://app:app%27s@" + server.Addr
	server.Kill()
	p, rec := open(t, url, etcd.Prefix("app/")), storetest.NewRecord()
	isOutcome(t, "Save", p.Save(t.Context(), rec, 0), notSaved)
	for range 2 {
		server.Restart()
		storetest.Eventually(t, "logged in", func() bool { return p.Save(t.Context(), rec, -1) == nil })
		storetest.WantRecord(t, p, rec)
	}
}

func TestUnreachableServerIsNotAConflict(t *testing.T) {
	server := testserver.Etcd(t)
	p := etcd.New(dial(t, server.URL, impatient))
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Kill()
	for range 3 { // over the connection that was open, and new ones
		each(t, p, storetest.Next(rec), func(t *testing.T, _ string, err error) {
			discreet(t, err, rec)
			for _, wrong := range []error{provider.ErrVersionConflict, provider.ErrNotFound, provider.ErrFull, provider.ErrTooLarge} {
				if errors.Is(err, wrong) {
					t.Errorf("got error %v", err)
				}
			}
		})
	}
	server.Restart()
	storetest.Eventually(t, "working again", func() bool { return p.Save(t.Context(), rec, -1) == nil })
	storetest.WantRecord(t, p, rec)
}

// What another program has stored is neither read, changed nor deleted.
func TestForeignValuesAreLeftAlone(t *testing.T) {
	for _, foreign := range []string{"", "x", "{}", "\x00", "\xff\xff\xff\xff\xff", "\xf5HF\x01 a record of provider/redis", "\xf5HF\x03"} {
		t.Run(fmt.Sprintf("%q", foreign), func(t *testing.T) {
			p, client, prefix := store(t)
			rec := storetest.NewRecord()
			put(t, client, prefix+rec.ID, foreign)
			each(t, p, rec, func(t *testing.T, name string, err error) {
				if name == "Purge" {
					if err != nil {
						t.Errorf("got error %v", err)
					}
					return
				}
				discreet(t, err, rec)
				if !errors.Is(err, provider.ErrUnreadable) || !strings.Contains(fmt.Sprint(err), "Prefix") {
					t.Errorf("got error %v, want ErrUnreadable that names Prefix", err)
				}
			})
			ends := map[string]error{"create": p.Save(t.Context(), rec, 0), "update": p.Save(t.Context(), rec, 7), "unchecked": p.Save(t.Context(), rec, -1), "delete": p.Delete(t.Context(), rec.ID)}
			for name, err := range ends {
				isOutcome(t, name, err, refused)
			}
			if got := value(t, client, prefix+rec.ID); got != foreign || count(t, client, prefix) != 1 {
				t.Errorf("the key holds %q, want %q", got, foreign)
			}
		})
	}
}

// A value that begins as a record's, but is cut off, is not read.
func TestTruncatedValueIsUnreadable(t *testing.T) {
	p, client, prefix := store(t)
	rec := storetest.NewRecord()
	rec.Data = nil
	storetest.Save(t, p, rec, 0, nil)
	whole := value(t, client, prefix+rec.ID)
	for n := range len(whole) {
		put(t, client, prefix+rec.ID, whole[:n])
		if _, err := p.Fetch(t.Context(), rec.ID); !errors.Is(err, provider.ErrUnreadable) {
			t.Errorf("the first %d bytes: got error %v, want ErrUnreadable", n, err)
		}
	}
}
