package live

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// visit returns a visitor who is logged in, and channels to the site's news and reports.
func visit(t *testing.T) (b *browser.Browser, news chan string, finish chan string) {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	news, finish = make(chan string), make(chan string)
	site := &Site{
		Sessions:  sessions,
		News:      func(context.Context, string) <-chan string { return news },
		Heartbeat: 10 * time.Millisecond,
		Report: func(_ context.Context, user string) (string, error) {
			return <-finish + " for " + user, nil
		},
	}
	b = browser.New(t, site.Routes())
	b.Post("/login").Want(t, 200, "")
	return b, news, finish
}

func TestEventsEndWithTheLogout(t *testing.T) {
	b, news, _ := visit(t)
	b.Other().Get("/events").Want(t, 401, "please log in")
	res, err := b.Client.Get(b.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	news <- "hello"
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "data: hello" {
		if text := lines.Text(); text != "" && text != ": still here" {
			t.Fatal(text)
		}
	}
	b.Post("/logout").Want(t, 200, "")
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // until the stream ends
		t.Error(err)
	}
	b.Get("/events").Want(t, 401, "please log in")
}

func TestEditorSavesAndClosesAtTheLogout(t *testing.T) {
	b, _, _ := visit(t)
	ctx := t.Context()
	if _, res, err := websocket.Dial(ctx, b.URL+"/editor", &websocket.DialOptions{HTTPClient: b.Other().Client}); err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Error(err)
	}
	evil := &websocket.DialOptions{HTTPClient: b.Client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}}
	if _, res, err := websocket.Dial(ctx, b.URL+"/editor", evil); err == nil || res.StatusCode != http.StatusForbidden {
		t.Error(err)
	}
	conn, _, err := websocket.Dial(ctx, b.URL+"/editor", &websocket.DialOptions{HTTPClient: b.Client})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("dear")); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := conn.Read(ctx); string(answer) != "saved 4 bytes" {
		t.Fatalf("%q %v", answer, err)
	}
	b.Get("/draft").Want(t, 200, "dear")
	b.Post("/logout").Want(t, 200, "")
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Error(err)
	}
}

func TestReportIsPutIntoTheSession(t *testing.T) {
	b, _, finish := visit(t)
	b.Post("/report").Want(t, 202, "your report is being made")
	b.Get("/report").Want(t, 200, "not yet")
	finish <- "sales"
	for b.Get("/report").Body == "not yet" {
		runtime.Gosched()
	}
	b.Get("/report").Want(t, 200, "sales for ann")
}

func TestReportOfAUserWhoHasLeftBeginsNoSession(t *testing.T) {
	store := memory.New()
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{Sessions: sessions, Report: func(context.Context, string) (string, error) { return "sales", nil }}
	site.makeReport(t.Context(), "ann", strings.Repeat("x", 43))
	if store.Len() != 0 {
		t.Error("a record was stored")
	}
}

func TestUploadsLockNothing(t *testing.T) {
	b, _, _ := visit(t)
	body, file := io.Pipe()
	slow := make(chan browser.Answer, 1)
	go func() { slow <- b.Do("POST", "/upload", body) }()
	if _, err := file.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	b.Do("POST", "/upload", strings.NewReader("a few bytes")).Want(t, 200, "received 11")
	file.Close()
	(<-slow).Want(t, 200, "received 100000")
	b.Get("/uploads").Want(t, 200, "[11 100000]")
}
