package httpstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A certainty is what an error says about a change.
type certainty struct{ notSaved, refused bool }

var (
	inDoubt  = certainty{}
	notSaved = certainty{notSaved: true}
	refused  = certainty{notSaved: true, refused: true}
)

func isCertain(t *testing.T, name string, err error, want certainty) {
	t.Helper()
	got := certainty{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) || errors.Is(err, provider.ErrNotFound) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// changes calls everything that changes a record.
func changes(t *testing.T, ctx context.Context, p provider.Provider, want certainty) {
	t.Helper()
	rec := storetest.NewRecord()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, rec, 0) },
		"update":    func() error { return p.Save(ctx, rec, 7) },
		"unchecked": func() error { return p.Save(ctx, rec, -1) },
		"delete":    func() error { return p.Delete(ctx, rec.ID) },
	} {
		err := change()
		isCertain(t, name, err, want)
		tellsNothing(t, err, rec)
	}
}

// failing is a store whose every call ends with an error.
func failing(err error) provider.Provider {
	return &storetest.Store{
		Provider: memory.New(),
		OnFetch: func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return nil, err
		},
		OnSave: func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err },
		OnDelete: func(context.Context, string, storetest.DeleteFunc) error {
			return err
		},
	}
}

// A client gets each error that the store gives to the server.
func TestErrorsOfTheStoreArePassedOn(t *testing.T) {
	plain := errors.New("inner: the disk is wet")
	is := []error{
		provider.ErrNotFound, provider.ErrVersionConflict, provider.ErrInvalidRecord, provider.ErrTooLarge, provider.ErrUnreadable,
		provider.ErrFull, provider.ErrNotSaved, provider.ErrRefused, context.DeadlineExceeded,
	}
	for _, inner := range []error{
		plain, outcome.NotSaved(plain), outcome.Refused(plain),
		fmt.Errorf("inner: %w", provider.ErrNotFound),
		fmt.Errorf("inner: %w", provider.ErrVersionConflict),
		fmt.Errorf("inner: %w", provider.ErrInvalidRecord),
		fmt.Errorf("inner: %w", provider.ErrTooLarge),
		fmt.Errorf("inner: %w", provider.ErrUnreadable),
		fmt.Errorf("inner: %w", provider.ErrFull),
		outcome.Refused(fmt.Errorf("inner: %w", provider.ErrFull)),
		outcome.NotSaved(fmt.Errorf("inner: %w", provider.ErrUnreadable)),
		fmt.Errorf("inner: %w", context.DeadlineExceeded),
		outcome.NotSaved(fmt.Errorf("inner: %w", context.DeadlineExceeded)),
	} {
		p := over(t, failing(inner))
		rec := storetest.NewRecord()
		_, fetched := p.Fetch(t.Context(), rec.ID)
		for name, err := range map[string]error{
			"Fetch": fetched, "Save": p.Save(t.Context(), rec, 7), "Delete": p.Delete(t.Context(), rec.ID),
		} {
			for _, target := range is {
				if errors.Is(err, target) != errors.Is(inner, target) {
					t.Errorf("%s, the store's error being %q: got %q, which is %v: %t", name, inner, err, target, errors.Is(err, target))
				}
			}
			if !errors.Is(inner, provider.ErrNotFound) && !errors.Is(inner, provider.ErrVersionConflict) && !strings.Contains(err.Error(), inner.Error()) {
				t.Errorf("%s: the error %q does not have the store's text %q", name, err, inner)
			}
		}
	}
}

func TestConflictsArePassedOn(t *testing.T) {
	current := storetest.NewRecord()
	current.Version = 1<<62 + 1
	for name, inner := range map[string]error{
		"with a record":       &provider.ConflictError{Current: current},
		"with an empty one":   &provider.ConflictError{Current: &provider.Record{ID: current.ID, Version: 3}},
		"with none":           &provider.ConflictError{},
		"that does not tell":  provider.ErrVersionConflict,
		"that is a not-saved": outcome.NotSaved(&provider.ConflictError{}),
	} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			rec.ID = current.ID
			err := storetest.Save(t, over(t, failing(inner)), rec, 7, provider.ErrVersionConflict)
			got, tells := errors.AsType[*provider.ConflictError](err)
			want, told := errors.AsType[*provider.ConflictError](inner)
			if tells != told {
				t.Fatalf("got %#v, want %#v", err, inner)
			}
			if !tells || got.Current == nil && want.Current == nil {
				return
			}
			if got.Current == nil || want.Current == nil || got.Current.Version != want.Current.Version || got.Current.ID != current.ID ||
				got.Current.Format != want.Current.Format || !got.Current.ExpiresAt.Equal(want.Current.ExpiresAt) || string(got.Current.Data) != string(want.Current.Data) {
				t.Errorf("got the record %+v, want %+v", got.Current, want.Current)
			}
		})
	}
}

func TestReserveIsPassedOn(t *testing.T) {
	var used []bool
	p := over(t, &storetest.Store{Provider: memory.New(), OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		used = append(used, provider.UsesReserve(ctx))
		return next(ctx, rec, expect)
	}})
	storetest.Save(t, p, storetest.NewRecord(), 0, nil)
	if err := p.Save(provider.WithReserve(t.Context()), storetest.NewRecord(), 0); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(used) != "[false true]" {
		t.Errorf("the saves used the reserve: %v", used)
	}
}

// What was not sent has certainly not been saved.
func TestNotSent(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		url  string
		ctx  context.Context
		want certainty
	}{
		"a closed port":      {"http://" + testserver.FreeAddr(t), t.Context(), notSaved},
		"no such socket":     {"unix://" + t.TempDir() + "/none", t.Context(), notSaved},
		"no such host":       {"https://store.invalid", t.Context(), notSaved},
		"an ended context":   {"http://localhost:1", ended, refused},
		"a server of no TLS": {strings.Replace(httpServer(t, http.NotFound), "http:", "https:", 1), t.Context(), notSaved},
	} {
		t.Run(name, func(t *testing.T) {
			changes(t, tc.ctx, client(t, tc.url, httpstore.Options{Token: token}), tc.want)
		})
	}
}

func httpServer(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewServer(h)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server.URL
}

// The time is over before there is a connection.
func TestNotSavedForWantOfAConnection(t *testing.T) {
	busy := make(chan struct{})
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(busy)
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	p := client(t, server.URL, httpstore.Options{Token: token, MaxConns: 1})
	go p.Delete(t.Context(), "x")
	<-busy
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := p.Save(ctx, storetest.NewRecord(), 0)
	isCertain(t, "Save", err, refused)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
}

// What has been sent is in doubt until the answer has come, all of it.
func TestSentIsInDoubt(t *testing.T) {
	for name, answers := range map[string]string{
		"nothing":                      "",
		"half a status line":           "HTTP/1.1 2",
		"half a header":                "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nContent-",
		"half a body":                  "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nContent-Length: 3\r\n\r\n{",
		"half a conflict":              "HTTP/1.1 412 No\r\nHoldfast-Protocol: 1\r\nHoldfast-Error: conflict\r\nContent-Length: 3\r\n\r\n{",
		"half a refusal":               "HTTP/1.1 503 No\r\nHoldfast-Protocol: 1\r\nHoldfast-Error: failed\r\nHoldfast-Outcome: refused\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{",
		"no end of the body":           "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\n\r\n{}",
		"something else than HTTP":     "SSH-2.0-secret\r\n",
		"a header that is none":        "HTTP/1.1 200 OK\r\nsecret\r\n\r\n",
		"a status of another program":  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"a proxy's error":              "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\nsecret",
		"a proxy's timeout":            "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
		"a conflict of another server": "HTTP/1.1 412 Precondition Failed\r\nEtag: \"7\"\r\nContent-Length: 0\r\n\r\n",
		"an error of unknown kind":     "HTTP/1.1 500 No\r\nHoldfast-Protocol: 1\r\nHoldfast-Error: melted\r\nContent-Length: 0\r\n\r\n",
		"a status of no meaning":       "HTTP/1.1 299 Hm\r\nHoldfast-Protocol: 1\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			changes(t, t.Context(), client(t, rawServer(t, answers), httpstore.Options{Token: token}), inDoubt)
		})
	}
}

// Refusals of something before the server have certainly not reached it.
func TestRefusedBeforeTheServer(t *testing.T) {
	for status, want := range map[int]certainty{401: refused, 403: refused, 404: refused, 405: refused, 429: notSaved, 308: refused} {
		answers := fmt.Sprintf("HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status)
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			changes(t, t.Context(), client(t, rawServer(t, answers), httpstore.Options{Token: token}), want)
		})
	}
	p := client(t, rawServer(t, "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), httpstore.Options{Token: token})
	if err := storetest.Save(t, p, storetest.NewRecord(), 0, provider.ErrTooLarge); !strings.Contains(err.Error(), "client_max_body_size") {
		t.Errorf("the error %q does not say what to do", err)
	}
}

func TestAnotherVersionOfTheProtocol(t *testing.T) {
	p := client(t, rawServer(t, "HTTP/1.1 200 OK\r\nConnection: close\r\nHoldfast-Protocol: 2\r\nContent-Length: 2\r\n\r\n{}"), httpstore.Options{Token: token})
	changes(t, t.Context(), p, refused)
	if err := p.Save(t.Context(), storetest.NewRecord(), 0); !strings.Contains(err.Error(), "another version of the protocol") {
		t.Errorf("the error is %q", err)
	}
}

// rawServer answers the first request of each connection with a text, and closes it.
func rawServer(t *testing.T, answers string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn, answers)
		}
	}()
	return "http://" + listener.Addr().String()
}

func answerOnce(conn net.Conn, answers string) {
	defer conn.Close()
	buf := make([]byte, 64<<10)
	if _, err := conn.Read(buf); err != nil {
		return
	}
	_, _ = io.WriteString(conn, answers)
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn) // or the answer might get lost
}

// A call that is given up ends the work of the server for it.
func TestServerStopsWhenTheClientLeaves(t *testing.T) {
	began, ended := make(chan time.Time, 1), make(chan error, 1)
	p := over(t, &storetest.Store{Provider: memory.New(), OnSave: func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
		deadline, _ := ctx.Deadline()
		began <- deadline
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			if deadline := <-began; !deadline.IsZero() {
				t.Errorf("the server has a deadline, %v", deadline)
			}
			cancel(errors.New("a cause, which is not the context's error"))
		}()
		err := p.Save(ctx, storetest.NewRecord(), 0)
		isCertain(t, "Save", err, inDoubt)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want Canceled", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the server's context: %v", err)
		}
	})
	t.Run("out of time", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		deadline, _ := ctx.Deadline()
		err := p.Save(ctx, storetest.NewRecord(), 0)
		isCertain(t, "Save", err, inDoubt)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want DeadlineExceeded", err)
		}
		if got := <-began; got.Before(deadline) {
			t.Errorf("the server's deadline is %v before that of the client, or there is none", deadline.Sub(got))
		}
		<-ended
	})
}
