package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/session"
)

// adminRun is a run of holdfast admin.
type adminRun struct {
	t       *testing.T
	address string // that it has printed
	errs    *syncBuffer
	stop    context.CancelFunc
	code    chan int
}

// syncBuffer is a bytes.Buffer that is safe for concurrent use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (s *site) startAdmin(args ...string) *adminRun {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	r, w := io.Pipe()
	run := &adminRun{t: s.t, errs: new(syncBuffer), stop: cancel, code: make(chan int, 1)}
	tl := tool{
		stdout: w, stderr: run.errs, getenv: func(name string) string { return s.env[name] },
		open: func(context.Context, string) (*storeurl.Opened, error) {
			return &storeurl.Opened{Provider: s.store, Close: func() {}}, nil
		},
	}
	go func() {
		run.code <- tl.run(ctx, append([]string{"-store", "test:", "admin"}, args...))
		w.Close()
	}()
	s.t.Cleanup(func() { cancel(); r.Close() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		s.t.Fatalf("admin has printed %q and ended: %s", line, run.errs)
	}
	run.address = strings.TrimSuffix(strings.TrimPrefix(line, "open "), "\n")
	return run
}

// browser returns a client that keeps cookies.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// ask returns the status and the page at an address relative to that of the run.
func (run *adminRun) ask(b *http.Client, method, target string, form url.Values, change ...func(*http.Request)) (int, string) {
	run.t.Helper()
	at, err := url.Parse(run.address)
	if err != nil {
		run.t.Fatal(err)
	}
	to, err := at.Parse(target)
	if err != nil {
		run.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(run.t.Context(), method, to.String(), strings.NewReader(form.Encode()))
	if err != nil {
		run.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := b.Do(r)
	if err != nil {
		run.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		run.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAdmin(t *testing.T) {
	s := newMemorySite(t)
	ann := s.signIn("ann")
	run := s.startAdmin()
	if !strings.HasPrefix(run.address, "http://127.0.0.1:") {
		t.Fatalf("the address is %s", run.address)
	}
	first := browser(t)
	if status, page := run.ask(first, http.MethodGet, run.address, nil); status != http.StatusOK || !strings.Contains(page, "Overview") {
		t.Fatalf("%d\n%s", status, page)
	}
	if status, page := run.ask(first, http.MethodGet, "/sessions?owner=ann", nil); status != http.StatusOK || !strings.Contains(page, ann.publicID()) {
		t.Errorf("%d\n%s", status, page)
	}
	if status, page := run.ask(first, http.MethodGet, "/end-all", nil); status != http.StatusForbidden {
		t.Errorf("end all: %d\n%s", status, page)
	}
	id := ann.publicID()
	if status, page := run.ask(first, http.MethodPost, "/end-session", url.Values{"id": {id}}); status != http.StatusOK || !strings.Contains(page, "has ended") {
		t.Errorf("%d\n%s", status, page)
	}
	if ann.publicID() != "" {
		t.Error("the session lives")
	}
	for _, want := range []string{"end_session", id, operatorName()} {
		if !strings.Contains(run.errs.String(), want) {
			t.Errorf("the standard error has no %q: %s", want, run.errs)
		}
	}
	run.stop()
	if code := <-run.code; code != 0 {
		t.Errorf("exit code %d: %s", code, run.errs)
	}
}

// The address is worth nothing once a browser has opened it.
func TestTheAddressOfAdminWorksOnce(t *testing.T) {
	run := newMemorySite(t).startAdmin()
	refused := func(what string, b *http.Client, target string, change ...func(*http.Request)) {
		t.Helper()
		if status, page := run.ask(b, http.MethodGet, target, nil, change...); status < 400 || strings.Contains(page, "Overview") {
			t.Errorf("%s: %d\n%s", what, status, page)
		}
	}
	first, second := browser(t), browser(t)
	refused("without the address", first, "/")
	refused("with a wrong token", first, "/login?token=wrong")
	refused("a prefetch", first, run.address, func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") })
	refused("another host", first, run.address, func(r *http.Request) { r.Host = "attacker.example" })
	if status, _ := run.ask(first, http.MethodHead, run.address, nil); status < 400 {
		t.Errorf("HEAD: %d", status)
	}
	if status, page := run.ask(first, http.MethodGet, run.address, nil); status != http.StatusOK || !strings.Contains(page, "Overview") {
		t.Fatalf("the first browser: %d\n%s", status, page)
	}
	refused("a second browser", second, run.address)
	refused("a second browser, without the token", second, "/")
	if status, page := run.ask(first, http.MethodGet, run.address, nil); status != http.StatusOK || !strings.Contains(page, "Overview") {
		t.Errorf("the first browser again: %d\n%s", status, page)
	}
	refused("another host, with the cookie", first, "/", func(r *http.Request) { r.Host = "attacker.example" })
}

func TestAdminReadOnly(t *testing.T) {
	s := newMemorySite(t)
	ann := s.signIn("ann")
	run := s.startAdmin("-read-only")
	b := browser(t)
	run.ask(b, http.MethodGet, run.address, nil)
	id := ann.publicID()
	for _, act := range []string{"/end-session", "/end-owner", "/values", "/rotate-signing-key"} {
		if status, page := run.ask(b, http.MethodPost, act, url.Values{"id": {id}, "owner": {"ann"}}); status != http.StatusForbidden || strings.Contains(page, "rope") {
			t.Errorf("%s: %d\n%s", act, status, page)
		}
	}
	if ann.publicID() != id {
		t.Error("the session has ended")
	}
}

// programCodec is a codec of a program's own.
type programCodec struct{ session.Codec }

func (programCodec) Name() string { return "program" }

// Values of a codec of the program's own are shown as bytes, and their sessions can be
// listed and ended.
func TestAdminWithACodecOfTheProgram(t *testing.T) {
	s := newSite(t, newMemorySite(t).store, session.Config{Codec: programCodec{session.CBOR()}})
	ann := s.signIn("ann")
	run := s.startAdmin()
	b := browser(t)
	run.ask(b, http.MethodGet, run.address, nil)
	id := ann.publicID()
	if status, page := run.ask(b, http.MethodGet, "/sessions?owner=ann", nil); status != http.StatusOK || !strings.Contains(page, id) {
		t.Errorf("%d\n%s", status, page)
	}
	if status, page := run.ask(b, http.MethodPost, "/values", url.Values{"id": {id}}); status != http.StatusOK || !strings.Contains(page, "does not decode, in hexadecimal") {
		t.Errorf("%d\n%s", status, page)
	}
	if status, page := run.ask(b, http.MethodPost, "/end-owner", url.Values{"owner": {"ann"}}); status != http.StatusOK {
		t.Errorf("%d\n%s", status, page)
	}
	if ann.publicID() != "" {
		t.Error("the session lives")
	}
}

func TestAdminAtAPortThatIsTaken(t *testing.T) {
	run := newMemorySite(t).startAdmin()
	at, err := url.Parse(run.address)
	if err != nil {
		t.Fatal(err)
	}
	newMemorySite(t).fails(exitFailed, "-port", "admin", "-port", at.Port())
	newMemorySite(t).fails(exitUsage, "-port", "admin", "-port", "70000")
}
