package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// anotherDevice signs the same user in elsewhere.
func (v *visitor) anotherDevice(name, password string) *visitor {
	v.t.Helper()
	other := *v
	other.clearCookies()
	if _, page := other.post("/signin", "name", name, "password", password); !strings.Contains(page, "Welcome, "+name) {
		v.t.Fatalf("another device:\n%s", page)
	}
	return &other
}

var publicIDOnPage = regexp.MustCompile(`id="public-id" title="([\w-]+)"`)

func (v *visitor) publicID() string {
	v.t.Helper()
	_, page := v.get("/")
	found := publicIDOnPage.FindStringSubmatch(page)
	if found == nil {
		v.t.Fatalf("no public ID:\n%s", page)
	}
	return found[1]
}

// wantDevices checks that the user is signed in here and how many devices are
// listed.
func (v *visitor) wantDevices(want int) {
	v.t.Helper()
	_, page := v.get("/account")
	if got := strings.Count(page, "<dt>Signed in</dt>"); got != want || strings.Count(page, "this device") != 1 {
		v.t.Errorf("got %d devices, want %d:\n%s", got, want, page)
	}
	if others := strings.Count(page, `name="public_id"`); others != want-1 {
		v.t.Errorf("%d can be signed out, want %d:\n%s", others, want-1, page)
	}
}

func (v *visitor) wantSignedOut() {
	v.t.Helper()
	if _, page := v.get("/account"); !strings.Contains(page, "<h1>Sign in</h1>") {
		v.t.Errorf("signed in:\n%s", page)
	}
}

func TestTheAccountListsItsDevices(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	v.wantDevices(1)
	other := v.anotherDevice("ada", "correct horse")
	v.wantDevices(2)
	other.wantDevices(2)
	_, page := v.get("/account")
	if !strings.Contains(page, "<dd>127.0.0.1</dd>") || strings.Contains(page, "1 Jan 0001") {
		t.Errorf("a fact is missing:\n%s", page)
	}
	if this, rest, _ := strings.Cut(page, "</li>"); !strings.Contains(this, "this device") || !strings.Contains(rest, other.publicID()) {
		t.Errorf("this one is not the first:\n%s", page)
	}
	other.post("/signout")
	v.wantDevices(1)
}

func TestDevicesAreSignedOut(t *testing.T) {
	for name, tc := range map[string]struct {
		signOut                func(v, phone *visitor) (page string)
		says                   string
		here, phone, elsewhere bool
	}{
		"one": {func(v, phone *visitor) string {
			_, page := v.post("/signout/one", "public_id", phone.publicID())
			return page
		}, " is signed out.", true, false, true},
		"one, this": {func(v, _ *visitor) string {
			_, page := v.post("/signout/one", "public_id", v.publicID())
			return page
		}, "You are signed out.", false, true, true},
		"the others": {func(v, _ *visitor) string {
			_, page := v.post("/signout/others")
			return page
		}, "Your other devices are signed out.", true, false, false},
		"everywhere": {func(v, _ *visitor) string {
			_, page := v.post("/signout/everywhere")
			return page
		}, "You are signed out.", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisitor(t)
			v.signUp("ada", "correct horse")
			phone, elsewhere := v.anotherDevice("ada", "correct horse"), v.anotherDevice("ada", "correct horse")
			if page := tc.signOut(v, phone); !strings.Contains(page, tc.says) {
				t.Errorf("got\n%s\nwant %q", page, tc.says)
			}
			left := 0
			for _, in := range []bool{tc.here, tc.phone, tc.elsewhere} {
				if in {
					left++
				}
			}
			for device, in := range map[*visitor]bool{v: tc.here, phone: tc.phone, elsewhere: tc.elsewhere} {
				if in {
					device.wantDevices(left)
					continue
				}
				device.wantSignedOut()
			}
			if tc.phone {
				return
			}
			if status, page := phone.post("/basket", "product", "rope"); status != http.StatusOK || !strings.Contains(page, `href="/signin"`) {
				t.Errorf("a change from there, which begins another session: %d\n%s", status, page)
			}
		})
	}
}

func TestNobodySignsOutTheDeviceOfAnother(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	mallory := *v
	mallory.clearCookies()
	mallory.signUp("mallory", "battery staple")
	visitorOfNobody := *v
	visitorOfNobody.clearCookies()
	for _, publicID := range []string{v.publicID(), visitorOfNobody.publicID(), "", "\xff"} {
		if _, page := mallory.post("/signout/one", "public_id", publicID); !strings.Contains(page, "nothing was signed out now") {
			t.Errorf("public ID %q:\n%s", publicID, page)
		}
	}
	mallory.post("/signout/others")
	mallory.post("/signout/everywhere")
	v.wantDevices(1)
	if status, _ := visitorOfNobody.post("/basket", "product", "rope"); status != http.StatusOK {
		t.Errorf("who is not signed in: %d", status)
	}
}

func TestAFormOfAPageLeftOpen(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	phone, other := v.anotherDevice("ada", "correct horse"), v.anotherDevice("ada", "correct horse")
	v.post("/signout/one", "public_id", phone.publicID())
	for _, form := range []string{"/signout/one", "/signout/others", "/signout/everywhere", "/account"} {
		_, page := phone.post(form, "public_id", other.publicID(), "old", "correct horse", "new", "battery staple")
		if !strings.Contains(page, "<h1>Sign in</h1>") || !strings.Contains(page, "nothing was changed") {
			t.Errorf("%s of a device that is signed out:\n%s", form, page)
		}
	}
	gone := other.publicID()
	other.post("/signout")
	if _, page := v.post("/signout/one", "public_id", gone); !strings.Contains(page, "nothing was signed out now") {
		t.Errorf("sign out what is signed out:\n%s", page)
	}
	v.wantDevices(1)
}

func TestOneDeviceMoreThanTheLimitSignsTheOldestOut(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	var last *visitor
	for range maxDevices - 1 {
		last = v.anotherDevice("ada", "correct horse")
	}
	v.wantDevices(maxDevices)
	v.anotherDevice("ada", "correct horse")
	v.wantSignedOut()
	last.wantDevices(maxDevices)
}

// The row of a list that was loaded before the device signed in once more.
func TestARowOfAnOldListNamesASessionThatWasRenewed(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	phone := v.anotherDevice("ada", "correct horse")
	row := phone.publicID()
	phone.post("/signin", "name", "ada", "password", "correct horse")
	_, page := v.post("/signout/one", "public_id", row)
	if !strings.Contains(page, "nothing was signed out now") || !strings.Contains(page, phone.publicID()) {
		t.Errorf("it does not say that the phone is signed in, or how to sign it out:\n%s", page)
	}
	phone.wantDevices(2)
	v.post("/signout/one", "public_id", phone.publicID())
	phone.wantSignedOut()
}

func TestAChangeOfPasswordEndsTheOtherSessions(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	other := v.anotherDevice("ada", "correct horse")
	v.post("/account", "old", "a guess", "new", "battery staple")
	v.wantDevices(2)
	v.post("/account", "old", "correct horse", "new", "battery staple")
	v.wantDevices(1)
	if status, page := other.post("/basket", "product", "rope"); status != http.StatusOK || !strings.Contains(page, `href="/signin"`) {
		t.Errorf("a change from another device, which begins another session: %d\n%s", status, page)
	}
}

// gate holds up one Fetch.
type gate struct {
	provider.Provider
	closed atomic.Bool
	held   chan chan struct{}
}

func (g *gate) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if g.closed.CompareAndSwap(true, false) {
		open := make(chan struct{})
		g.held <- open
		<-open
	}
	return g.Provider.Fetch(ctx, id)
}

// The old password is right when it is checked. The first that the store hears of
// the sign-in is after the change of the password is done.
func TestASignInWithTheOldPasswordDuringItsChange(t *testing.T) {
	store := &gate{Provider: memory.New(), held: make(chan chan struct{})}
	v := newVisitorOf(t, store)
	v.signUp("ada", "correct horse")
	late := *v
	late.clearCookies()

	store.closed.Store(true)
	signedIn := make(chan struct{})
	go func() {
		defer close(signedIn)
		resp, err := late.client.PostForm(late.server.URL+"/signin", map[string][]string{"name": {"ada"}, "password": {"correct horse"}})
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
	}()
	var open chan struct{}
	select {
	case open = <-store.held:
	case <-signedIn:
		t.Fatal("the sign-in did not come to the store")
	}
	if _, page := v.post("/account", "old", "correct horse", "new", "battery staple"); !strings.Contains(page, "Your password is changed") {
		t.Errorf("changed:\n%s", page)
	}
	close(open)
	<-signedIn
	if late.cookie() == "" {
		t.Fatal("the late one got no session, so this tests nothing")
	}
	late.wantSignedOut()
	v.wantDevices(1)
}

// stuck is a store in which one record cannot be saved.
type stuck struct {
	provider.Provider
	id atomic.Value
}

func (s *stuck) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec.ID == s.id.Load() {
		return errors.New("connection refused")
	}
	return s.Provider.Save(ctx, rec, expectVersion)
}

func TestWhatFailsToSignOutEverywhereCanTryAgain(t *testing.T) {
	store := &stuck{Provider: memory.New()}
	v := newVisitorOf(t, store)
	v.signUp("ada", "correct horse")
	other := v.anotherDevice("ada", "correct horse")
	store.id.Store(other.publicID())
	if status, page := v.post("/signout/everywhere"); status != http.StatusServiceUnavailable {
		t.Errorf("%d\n%s", status, page)
	}
	v.wantDevices(2)
	store.id.Store("")
	v.post("/signout/everywhere")
	v.wantSignedOut()
	other.wantSignedOut()
}

// The accounts are in memory, and sessions may be in a store that outlives them.
func TestASessionOfAnAccountThatIsNoMore(t *testing.T) {
	store := memory.New()
	before := newVisitorOf(t, store)
	before.signUp("ada", "correct horse")
	before.post("/basket", "product", "rope")

	v := newVisitorOf(t, store) // of a shop that has just been started
	v.setCookie(before.cookie())
	v.wantSignedOut()
	if _, page := v.get("/"); !strings.Contains(page, `id="count-rope">1<`) {
		t.Errorf("the basket:\n%s", page)
	}
	v.signUp("ada", "correct horse")
	v.wantDevices(1)
}
