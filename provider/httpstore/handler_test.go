package httpstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func handlerWith(t *testing.T, store provider.Provider, options httpstore.HandlerOptions) http.Handler {
	t.Helper()
	options.Token = token
	h, err := httpstore.Handler(store, options)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// One request too many is answered at once.
func TestMaxRequests(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p := serve(t, handlerWith(t, &storetest.Store{Provider: memory.New(), OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		once.Do(func() {
			close(running)
			<-release
		})
		return next(ctx, rec, expect)
	}}, httpstore.HandlerOptions{MaxRequests: 1}))
	saved := make(chan error, 1)
	go func() { saved <- p.Save(context.WithoutCancel(t.Context()), storetest.NewRecord(), 0) }()
	<-running
	changes(t, t.Context(), p, notSaved)
	if err := p.Save(t.Context(), storetest.NewRecord(), 0); !strings.Contains(err.Error(), "MaxRequests") {
		t.Errorf("the error %q does not say what to do", err)
	}
	close(release)
	if err := <-saved; err != nil {
		t.Errorf("the first request: %v", err)
	}
	storetest.Eventually(t, "a place is free", func() bool { return p.Save(t.Context(), storetest.NewRecord(), 0) == nil })
}

func TestMaxBytes(t *testing.T) {
	server := httptest.NewServer(handlerWith(t, memory.New(), httpstore.HandlerOptions{MaxBytes: 10}))
	t.Cleanup(server.Close)
	p := client(t, server.URL, options())
	rec := storetest.NewRecord()
	rec.Data = []byte("0123456789")
	storetest.Save(t, p, rec, 0, nil)
	rec = storetest.Next(rec)
	rec.Data = []byte("0123456789a")
	storetest.Save(t, p, rec, 1, provider.ErrTooLarge)

	// Without a length that the server could see.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/v1/records/YQ", io.MultiReader(strings.NewReader("0123456789a")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Holdfast-Version", "1")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Header.Get("Holdfast-Error") != "too-large" {
		t.Errorf("answer %d %s, want 413 too-large", resp.StatusCode, resp.Header.Get("Holdfast-Error"))
	}
	storetest.WantNoRecord(t, p, "a")
}

// slow is a store that takes its time to find a record.
type slow struct {
	*memory.Provider
	pause time.Duration
}

func (s slow) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		<-time.After(s.pause)
		for rec, err := range s.Provider.List(ctx, prefix) {
			if !yield(rec, err) {
				return
			}
		}
	}
}

// The timeouts of the http.Server are for requests that take no time.
func TestListOutlastsTheTimeoutsOfTheServer(t *testing.T) {
	m := memory.New()
	storetest.Save(t, m, storetest.NewRecord(), 0, nil)
	server := httptest.NewUnstartedServer(handler(t, slow{m, 300 * time.Millisecond}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	if ids, err := storetest.List(t.Context(), client(t, server.URL, options()), ""); err != nil || len(ids) != 1 {
		t.Errorf("got %d records and error %v, want 1", len(ids), err)
	}
}

// A List ends with its context, also while the store looks for the next record.
func TestListEndsWithItsContext(t *testing.T) {
	searching, ended := make(chan struct{}), make(chan struct{})
	p := over(t, searcher{memory.New(), searching, ended})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-searching; cancel() }()
	if _, err := storetest.List(ctx, p, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want Canceled", err)
	}
	<-ended
}

// searcher is a store that looks for a record until the context ends.
type searcher struct {
	*memory.Provider
	searching, ended chan struct{}
}

func (s searcher) List(ctx context.Context, _ string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		close(s.searching)
		<-ctx.Done()
		close(s.ended)
		yield(nil, ctx.Err())
	}
}

// A connection of HTTP/2 that nothing comes through any more is given up.
func TestDeadConnectionOfHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(handler(t, memory.New()))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	hole := newHole(t, server.Listener.Addr().String())
	p := client(t, "https://"+hole.addr, httpstore.Options{Token: token, TLS: &tls.Config{RootCAs: roots}})
	storetest.Save(t, p, storetest.NewRecord(), 0, nil)
	hole.swallow()
	storetest.Eventually(t, "a call succeeds over another connection", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return p.Save(ctx, storetest.NewRecord(), 0) == nil
	})
}

// A hole passes connections on to a server, until it swallows what comes over those that
// there are.
type hole struct {
	addr string
	mu   sync.Mutex
	dead chan struct{} // closed: the connections before are dead
}

func newHole(t *testing.T, server string) *hole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	h := &hole{addr: l.Addr().String(), dead: make(chan struct{})}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				conn.Close()
				return
			}
			h.mu.Lock()
			dead := h.dead
			h.mu.Unlock()
			t.Cleanup(func() { conn.Close(); out.Close() })
			go pass(conn, out, dead)
			go pass(out, conn, dead)
		}
	}()
	return h
}

func (h *hole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.dead)
	h.dead = make(chan struct{})
}

func pass(to, from net.Conn, dead chan struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-dead:
			if err != nil {
				return
			}
			continue
		default:
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			to.Close()
			return
		}
	}
}
