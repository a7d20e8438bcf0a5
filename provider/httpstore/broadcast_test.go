package httpstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// broadcasterContract checks clients of two servers.
func broadcasterContract(t *testing.T, url, other string, options httpstore.Options) {
	t.Helper()
	first, second, third := client(t, url, options), client(t, url, options), client(t, other, options)
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

func TestBroadcasterContract(t *testing.T) {
	url := testserver.SharedHTTPStore(t) + "/" + t.Name()
	options := httpstore.Options{Token: testserver.HTTPStoreToken}
	broadcasterContract(t, url, url+"-other", options)
	t.Run("with one connection", func(t *testing.T) {
		options.MaxConns = 1
		broadcasterContract(t, url, url+"-other", options)
	})
}

func TestBroadcasterContractThroughNginx(t *testing.T) {
	var urls []string
	for range 2 {
		server := httptest.NewServer(handler(t, memory.New()))
		t.Cleanup(server.Close)
		urls = append(urls, testserver.Nginx(t, server.Listener.Addr().String()).URL)
	}
	broadcasterContract(t, urls[0], urls[1], httpstore.Options{Token: token})
}

func TestBroadcasterContractOverHTTP2(t *testing.T) {
	roots := x509.NewCertPool()
	var urls []string
	for range 2 {
		server := httptest.NewUnstartedServer(handler(t, memory.New()))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		roots.AddCert(server.Certificate())
		urls = append(urls, server.URL)
	}
	broadcasterContract(t, urls[0], urls[1], httpstore.Options{Token: token, TLS: &tls.Config{RootCAs: roots}})
}

// The timeouts of the server are for requests, not for a stream.
func TestListenOutlastsTheServersTimeouts(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(handler(t, memory.New()))
		server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
		server.EnableHTTP2 = http2
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		p := client(t, server.URL, httpstore.Options{Token: token, TLS: &tls.Config{RootCAs: roots}})
		l := storetest.Listen(t, p)
		<-time.After(300 * time.Millisecond)
		storetest.Broadcast(t, p, "message")
		l.Want("message")
		if l.Ended() {
			t.Errorf("HTTP/2 %v: Listen has ended: %v", http2, l.End())
		}
		_ = l.Cancel()
	}
}

// A server that shuts down does not wait for those who listen.
func TestShutdownEndsListen(t *testing.T) {
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	p := client(t, server.URL, httpstore.Options{Token: token})
	l := storetest.Listen(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := l.End(); err == nil || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("got error %v, want one that says why", err)
	}
}

// The store's error ends the stream, and arrives.
func TestListenEndsWithTheStores(t *testing.T) {
	lose := make(chan struct{})
	p := over(t, &storetest.Store{Provider: memory.New(), OnListen: func(_ context.Context, ready func(), _ func([]byte), _ storetest.ListenFunc) error {
		ready()
		<-lose
		return errors.New("the store is lost")
	}})
	l := storetest.Listen(t, p)
	close(lose)
	if err := l.End(); err == nil || !strings.Contains(err.Error(), "the store is lost") {
		t.Errorf("got error %v, want that of the store", err)
	}
}

func TestBroadcastWithoutMessages(t *testing.T) {
	h := handler(t, memory.New())
	for name, p := range map[string]*httpstore.Provider{
		"the store has none": over(t, struct{ provider.Provider }{memory.New()}),
		"an older server": serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "messages", "none", 1)
			h.ServeHTTP(w, r)
		})),
		"a server that knows the path": serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Holdfast-Protocol", "1")
			w.Header().Set("Holdfast-Error", "method-not-allowed")
			w.WriteHeader(http.StatusMethodNotAllowed)
		})),
	} {
		for call, err := range map[string]error{
			"Broadcast": p.Broadcast(t.Context(), []byte("message")),
			"Listen":    storetest.StartListen(t, p).End(),
		} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s, %s: got error %v, want ErrUnsupported", name, call, err)
			}
		}
	}
}

// What is no stream of messages ends Listen, and nothing in it is taken for a message.
func TestListenToSomethingElse(t *testing.T) {
	for name, tc := range map[string]struct{ content, body, want string }{
		"another type":        {"text/html", "event: ready\ndata:\n\n", "cannot be read"},
		"no ready":            {"text/event-stream", "", "ended the stream"},
		"no base64":           {"text/event-stream", "event: ready\ndata:\n\ndata: !\n\n", "cannot be read"},
		"a long line":         {"text/event-stream", "event: ready\ndata:\n\n" + strings.Repeat("x", 20_000), "cannot be read"},
		"an end":              {"text/event-stream", "event: ready\ndata:\n\n: comment\n\nevent: other\ndata: AAAA\n\nid: 7\n\n", "ended the stream"},
		"a problem":           {"text/event-stream", "event: error\ndata: {\"detail\":\"a reason\"}\n\n", "a reason"},
		"a problem of a kind": {"text/event-stream", "event: error\ndata: {\"kind\":\"unsupported\"}\n\n", errors.ErrUnsupported.Error()},
	} {
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Holdfast-Protocol", "1")
			w.Header().Set("Content-Type", tc.content)
			_, _ = io.WriteString(w, tc.body)
		}))
		l := storetest.StartListen(t, p)
		if err := l.End(); err == nil || !strings.Contains(err.Error(), tc.want) || l.Total() > 0 {
			t.Errorf("%s: got %d messages and error %v, want none and %q", name, l.Total(), err, tc.want)
		}
	}
}

// Listeners take no place of a request, and have a limit of their own.
func TestListenersAreLimited(t *testing.T) {
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token, MaxRequests: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, h)
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "message")
	l.Want("message")
	if err := storetest.StartListen(t, p).End(); !errors.Is(err, provider.ErrNotSaved) {
		t.Errorf("the second Listen: got error %v, want that there is no place", err)
	}
	_ = l.Cancel()
	storetest.Eventually(t, "the place is free", func() bool {
		l := storetest.StartListen(t, p)
		defer l.Cancel()
		l.AwaitBegin()
		return l.Begun()
	})
}

func TestListenNeedsTheToken(t *testing.T) {
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	p := client(t, server.URL, httpstore.Options{Token: "another-token-than-the-server's"})
	for call, err := range map[string]error{
		"Broadcast": p.Broadcast(t.Context(), []byte("message")),
		"Listen":    storetest.StartListen(t, p).End(),
	} {
		if err == nil || !strings.Contains(err.Error(), "token") {
			t.Errorf("%s: got error %v, want one about the token", call, err)
		}
	}
}
