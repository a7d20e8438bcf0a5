package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	hashCost = bcrypt.MinCost
	testserver.Main(m)
}

// A visitor is a browser of few words. Its server speaks TLS, without which no
// client but a browser on localhost sends the cookie.
type visitor struct {
	t      *testing.T
	server *httptest.Server
	client *http.Client
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	return newVisitorOf(t, memory.New())
}

func newVisitorOf(t *testing.T, p provider.Provider) *visitor {
	t.Helper()
	return newVisitorUntil(t, t.Context(), p)
}

// newVisitorUntil returns a visitor of a shop whose streams end with closing.
func newVisitorUntil(t *testing.T, closing context.Context, p provider.Provider) *visitor {
	t.Helper()
	handler, err := newShop(closing, p, session.Config{StoreTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	v := &visitor{t: t, server: server}
	v.clearCookies()
	return v
}

func (v *visitor) clearCookies() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.t.Fatal(err)
	}
	v.client = &http.Client{Transport: v.server.Client().Transport, Jar: jar}
}

// get and post return the status and the page where the redirects end.
func (v *visitor) get(path string) (int, string) {
	v.t.Helper()
	return v.read(v.client.Get(v.server.URL + path))
}

func (v *visitor) post(path string, fields ...string) (int, string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.read(v.client.PostForm(v.server.URL+path, form))
}

func (v *visitor) read(resp *http.Response, err error) (int, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (v *visitor) signUp(name, password string) {
	v.t.Helper()
	if status, page := v.post("/signup", "name", name, "password", password); status != http.StatusOK || !strings.Contains(page, "Welcome, "+name) {
		v.t.Fatalf("sign up: %d\n%s", status, page)
	}
}

// cookie returns what the browser has.
func (v *visitor) cookie() string {
	for _, c := range v.client.Jar.Cookies(v.at()) {
		return c.Value
	}
	return ""
}

func (v *visitor) setCookie(value string) {
	v.client.Jar.SetCookies(v.at(), []*http.Cookie{{Name: "__Host-session", Value: value, Secure: true, Path: "/"}})
}

func (v *visitor) at() *url.URL {
	v.t.Helper()
	at, err := url.Parse(v.server.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	return at
}

func TestSignUpInAndOut(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	if status, page := v.get("/account"); status != http.StatusOK || !strings.Contains(page, "<h1>ada</h1>") {
		t.Errorf("account: %d\n%s", status, page)
	}
	if _, page := v.post("/signout"); !strings.Contains(page, "You are signed out.") || strings.Contains(page, "ada") {
		t.Errorf("signed out:\n%s", page)
	}
	if _, page := v.get("/account"); !strings.Contains(page, "<h1>Sign in</h1>") {
		t.Errorf("account of nobody:\n%s", page)
	}
	if _, page := v.post("/signin", "name", "ada", "password", "correct horse"); !strings.Contains(page, "Welcome, ada") {
		t.Errorf("signed in:\n%s", page)
	}
}

func TestTheFormTellsWhatIsWrong(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	for _, c := range []struct{ name, path, user, password, want string }{
		{"wrong password", "/signin", "ada", "battery staple", errSignIn.Error()},
		{"unknown name", "/signin", "bob", "correct horse", errSignIn.Error()},
		{"no name", "/signup", " ", "correct horse", errName.Error()},
		{"long name", "/signup", strings.Repeat("b", maxName+1), "correct horse", errName.Error()},
		{"name not UTF-8", "/signup", "\xff", "correct horse", errName.Error()},
		{"name nobody can see", "/signup", "\u200b", "correct horse", errName.Error()},
		{"name with a letter of another alphabet", "/signup", "\u0430da", "correct horse", errName.Error()},
		{"name with a combining mark", "/signup", "ada\u0301", "correct horse", errName.Error()},
		{"name in wide letters", "/signup", "\uff41\uff44\uff41", "correct horse", errName.Error()},
		{"name with a letter whose lower case is ASCII", "/signup", "\u212aate", "correct horse", errName.Error()},
		{"name with a space", "/signup", "ada l", "correct horse", errName.Error()},
		{"name that begins with a dot", "/signup", ".ada", "correct horse", errName.Error()},
		{"name that ends with a dot", "/signup", "ada.", "correct horse", errName.Error()},
		{"name with two dots", "/signup", "a..da", "correct horse", errName.Error()},
		{"name taken in another case", "/signup", "ADA", "correct horse", errTaken.Error()},
		{"name taken with spaces around", "/signup", " Ada\t", "correct horse", errTaken.Error()},
		{"name taken", "/signup", "ada", "correct horse", errTaken.Error()},
		{"short password", "/signup", "bob", "1234567", errPassword.Error()},
		{"password over bcrypt's limit", "/signup", "bob", strings.Repeat("ä", 37), errPassword.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, page := v.post(c.path, "name", c.user, "password", c.password)
			if status != http.StatusUnprocessableEntity || !strings.Contains(page, c.want) {
				t.Errorf("got %d, want 422 and %q:\n%s", status, c.want, page)
			}
		})
	}
}

func TestAChangeOfPrivilegeRenews(t *testing.T) {
	v := newVisitor(t)
	v.post("/basket", "product", "anchor")
	cookies := map[string]bool{v.cookie(): true}
	for _, step := range []func(){
		func() { v.signUp("ada", "correct horse") },
		func() { v.post("/account", "old", "correct horse", "new", "battery staple") },
		func() { v.post("/signin", "name", "ada", "password", "battery staple") },
	} {
		step()
		if cookies[v.cookie()] {
			t.Error("the cookie is the old one")
		}
		cookies[v.cookie()] = true
	}
	if _, page := v.get("/"); !strings.Contains(page, `id="count-anchor">1<`) {
		t.Errorf("the basket did not come along:\n%s", page)
	}
}

func TestAPasswordIsChangedByItsOwner(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	if status, page := v.post("/account", "old", "a guess", "new", "battery staple"); status != http.StatusUnprocessableEntity {
		t.Errorf("with a wrong password: %d\n%s", status, page)
	}
	if _, page := v.post("/account", "old", "correct horse", "new", "battery staple"); !strings.Contains(page, "Your password is changed") {
		t.Errorf("with the right one:\n%s", page)
	}
	v.clearCookies()
	if status, _ := v.post("/signin", "name", "ada", "password", "correct horse"); status != http.StatusUnprocessableEntity {
		t.Errorf("the old password signs in: %d", status)
	}
	if _, page := v.post("/account", "old", "battery staple", "new", "correct horse"); !strings.Contains(page, "<h1>Sign in</h1>") {
		t.Errorf("signed out:\n%s", page)
	}
}

func TestAChangeOfPasswordSignsOtherDevicesOut(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	other := *v
	other.clearCookies()
	other.post("/signin", "name", "ada", "password", "correct horse")
	v.post("/account", "old", "correct horse", "new", "battery staple")
	if _, page := other.get("/account"); !strings.Contains(page, "<h1>Sign in</h1>") {
		t.Errorf("the other device:\n%s", page)
	}
	if _, page := v.get("/account"); !strings.Contains(page, "<h1>ada</h1>") {
		t.Errorf("this one:\n%s", page)
	}
}

func TestOfParallelChangesOfAPasswordOneIsMade(t *testing.T) {
	u := newUsers()
	if _, err := u.add("ada", "correct horse"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var made atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			if _, err := u.change("ada", "correct horse", fmt.Sprint("battery staple ", i)); err == nil {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d were made", made.Load())
	}
}

func TestThePasswordIsAllOfIt(t *testing.T) {
	v := newVisitor(t)
	long := strings.Repeat("x", maxPassword)
	v.signUp("ada", long)
	if status, _ := v.post("/signin", "name", "ada", "password", long+"y"); status != http.StatusUnprocessableEntity {
		t.Errorf("with more behind it: %d", status)
	}
	if status, _ := v.post("/signin?name=ada&password=" + long); status != http.StatusUnprocessableEntity {
		t.Errorf("in the address: %d", status)
	}
}

func TestAFormHasALimit(t *testing.T) {
	v := newVisitor(t)
	if status, page := v.post("/signup", "name", strings.Repeat("x", maxBody), "password", "correct horse"); status < 400 || len(page) > maxBody/2 {
		t.Errorf("%d with %d bytes", status, len(page))
	}
}

func TestAVisitorOfAnEndedSessionCanStartAfresh(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	old := v.cookie()
	v.post("/signout")
	v.setCookie(old)
	if status, page := v.get("/"); status != http.StatusConflict || !strings.Contains(page, `action="/forget"`) {
		t.Errorf("home: %d\n%s", status, page)
	}
	if status, page := v.post("/forget"); status != http.StatusOK || !strings.Contains(page, "Ship’s stores") {
		t.Errorf("afresh: %d\n%s", status, page)
	}
}

func TestSignOutTwice(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	old := v.cookie()
	v.post("/signout")
	v.setCookie(old)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, page := v.post("/signout"); status != http.StatusSeeOther {
		t.Errorf("%d\n%s", status, page)
	}
}

func TestTheFlashIsSaidOnce(t *testing.T) {
	v := newVisitor(t)
	if _, page := v.post("/basket", "product", "rope"); !strings.Contains(page, "Rope added.") {
		t.Errorf("first page:\n%s", page)
	}
	if _, page := v.get("/"); strings.Contains(page, "Rope added.") {
		t.Errorf("second page:\n%s", page)
	}
}

func TestTheBasket(t *testing.T) {
	v := newVisitor(t)
	v.post("/basket", "product", "rope")
	_, page := v.post("/basket", "product", "rope")
	if !strings.Contains(page, `id="count-rope">2<`) || !strings.Contains(page, "24.00") {
		t.Errorf("two ropes:\n%s", page)
	}
	if status, _ := v.post("/basket", "product", "albatross"); status != http.StatusNotFound {
		t.Errorf("an unknown product: %d", status)
	}
	if _, page := v.post("/basket/none"); !strings.Contains(page, "Nothing yet.") {
		t.Errorf("emptied:\n%s", page)
	}
}

func TestParallelRequestsAllAddToTheBasket(t *testing.T) {
	v := newVisitor(t)
	v.get("/") // to have a session: parallel first requests would each begin one
	v.race(20)
	if _, counts := v.get("/race"); !strings.Contains(counts, `"basket":20`) {
		t.Error(counts)
	}
}

// race sends n requests at once.
func (v *visitor) race(n int) {
	v.t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			resp, err := v.client.Post(v.server.URL+"/race", "", nil)
			if err != nil {
				v.t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusNoContent {
				v.t.Error(resp.Status)
			}
		})
	}
	wg.Wait()
}

var visitsOnPage = regexp.MustCompile(`id="visits">(\d+)<`)

func TestVisitsAreCounted(t *testing.T) {
	v := newVisitor(t)
	for _, want := range []string{"1", "2", "3"} {
		_, page := v.get("/")
		if got := visitsOnPage.FindStringSubmatch(page); got == nil || got[1] != want {
			t.Errorf("got %q, want %s:\n%s", got, want, page)
		}
	}
}

func TestTheSessionTellsItsFacts(t *testing.T) {
	v := newVisitor(t)
	_, page := v.get("/") // the first page of all
	if !regexp.MustCompile(`id="public-id" title="[\w-]{40,}"`).MatchString(page) || strings.Contains(page, "1 Jan 0001") {
		t.Errorf("a fact is missing:\n%s", page)
	}
}

// outage is a store that can be down.
type outage struct {
	provider.Provider
	down atomic.Bool
}

func (o *outage) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if o.down.Load() {
		return nil, errors.New("connection refused")
	}
	return o.Provider.Fetch(ctx, id)
}

func TestAnOutageIsAnsweredByAPageAndLosesNothing(t *testing.T) {
	store := &outage{Provider: memory.New()}
	v := newVisitorOf(t, store)
	v.signUp("ada", "correct horse")
	store.down.Store(true)
	if status, page := v.get("/"); status != http.StatusServiceUnavailable || !strings.Contains(page, "Please try again in a moment.") {
		t.Errorf("the shop: %d\n%s", status, page)
	}
	if status, _ := v.get("/static/style.css"); status != http.StatusOK {
		t.Errorf("what has no session: %d", status)
	}
	store.down.Store(false)
	if _, page := v.get("/"); !strings.Contains(page, `id="user">ada<`) {
		t.Errorf("after it:\n%s", page)
	}
}

func TestAnOldCookieReadsAndChangesNothing(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	old := v.cookie()
	v.post("/signout")
	v.setCookie(old)
	if _, page := v.get("/account"); !strings.Contains(page, "<h1>Sign in</h1>") {
		t.Errorf("reads:\n%s", page)
	}
	if status, page := v.post("/basket", "product", "rope"); status != http.StatusConflict || !strings.Contains(page, "This session has ended") {
		t.Errorf("changes: %d\n%s", status, page)
	}
}

func TestPagesAreNotCached(t *testing.T) {
	v := newVisitor(t)
	resp, err := v.client.Get(v.server.URL + "/signin")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if got := resp.Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy: %q", got)
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	v := newVisitor(t)
	req, err := http.NewRequest(http.MethodPost, v.server.URL+"/basket", strings.NewReader("product=rope"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, page := v.read(v.client.Do(req)); status != http.StatusForbidden {
		t.Errorf("%d\n%s", status, page)
	}
}
