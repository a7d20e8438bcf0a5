package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

const aToken = "token-of-these-tests"

// A served is a run of serve.
type served struct {
	url  string // that it has printed
	code chan int
	stop context.CancelFunc
	errs *bytes.Buffer
}

// startServe runs serve over a store until the end of the test.
func startServe(t *testing.T, store provider.Provider, env string, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	s := &served{code: make(chan int, 1), stop: cancel, errs: new(bytes.Buffer)}
	open := func(context.Context, string) (*storeurl.Opened, error) {
		return &storeurl.Opened{Provider: store, Close: func() {}}, nil
	}
	tl := tool{
		stdout: w, stderr: s.errs, open: open, create: open,
		getenv: func(name string) string {
			if name == storeurl.TokenEnv {
				return env
			}
			return ""
		},
	}
	go func() {
		s.code <- tl.run(ctx, append([]string{"-store", "memory:", "serve"}, args...))
		w.Close()
	}()
	t.Cleanup(func() { cancel(); r.Close() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("serve has printed %q and ended: %s", line, s.errs)
	}
	s.url = strings.TrimSuffix(strings.TrimPrefix(line, "serving "), "\n")
	return s
}

// ends wants serve to end by itself after it was stopped.
func (s *served) ends(t *testing.T) {
	t.Helper()
	s.stop()
	if code := <-s.code; code != 0 {
		t.Errorf("exit code %d: %s", code, s.errs)
	}
}

func wantServed(t *testing.T, storeURL string) {
	t.Helper()
	opened, err := storeurl.Open(t.Context(), storeURL)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := opened.Save(t.Context(), &provider.Record{ID: "a", Version: 1}, -1); err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	s := startServe(t, memory.New(), "", "-listen", "127.0.0.1:0", "-token-file", tokenFile(t, "a-new-"+aToken, aToken))
	for _, token := range []string{aToken, "a-new-" + aToken} {
		wantServed(t, s.url+"?token-file="+tokenFile(t, token))
		t.Setenv(storeurl.TokenEnv, token)
		wantServed(t, s.url)
	}
	p, err := httpstore.New(s.url, httpstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Fetch(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: got error %v", err)
	}
	s.ends(t)
}

func TestServeUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	abandon(t, path)
	s := startServe(t, memory.New(), "", "-listen", "unix://"+path, "-no-token")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has the mode %v, %v; want 0600", info.Mode(), err)
	}
	wantServed(t, s.url)
	if code := (&tool{
		stdout: io.Discard, stderr: t.Output(), getenv: func(string) string { return "" },
		create: func(context.Context, string) (*storeurl.Opened, error) {
			return &storeurl.Opened{Provider: memory.New(), Close: func() {}}, nil
		},
	}).run(t.Context(), []string{"-store", "memory:", "serve", "-listen", "unix://" + path, "-no-token"}); code != exitFailed {
		t.Errorf("a second server at the socket: exit code %d", code)
	}
	wantServed(t, s.url)
	s.ends(t)
}

// abandon leaves a socket behind, as a server does that was killed.
func abandon(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestServeWithAShortToken(t *testing.T) {
	newMemorySite(t).fails(1, "16 characters", "serve", "-token-file", tokenFile(t, "secret"))
}

// What is no socket is not removed.
func TestServeOverAFile(t *testing.T) {
	path := tokenFile(t, "x")
	if l, err := listenUnix(path); err == nil {
		l.Close()
		t.Error("got no error")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestServeTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	s := startServe(t, memory.New(), aToken, "-listen", "127.0.0.1:0", "-tls-cert", cert, "-tls-key", key)
	p, err := httpstore.New(s.url, httpstore.Options{Token: aToken, TLS: &tls.Config{RootCAs: roots}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Save(t.Context(), &provider.Record{ID: "a", Version: 1}, 0); err != nil {
		t.Error(err)
	}
	s.ends(t)
}

// certificate returns the files of the certificate that package httptest has.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return tokenFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))),
		tokenFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))), roots
}

// A request that is running when serve is stopped is finished.
func TestServeFinishesRequests(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	s := startServe(t, &storetest.Store{Provider: memory.New(), OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		close(running)
		<-release
		return next(ctx, rec, expect)
	}}, aToken, "-listen", "127.0.0.1:0")
	p, err := httpstore.New(s.url, httpstore.Options{Token: aToken})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	saved := make(chan error, 1)
	go func() { saved <- p.Save(context.WithoutCancel(t.Context()), &provider.Record{ID: "a", Version: 1}, 0) }()
	<-running
	s.stop()
	close(release)
	if err := <-saved; err != nil {
		t.Errorf("the running request: %v", err)
	}
	s.ends(t)
}

// Files that cannot be read are reported before anything is created or served.
func TestServeReadsFilesFirst(t *testing.T) {
	s := newMemorySite(t)
	dir := t.TempDir()
	s.url = "sqlite:" + filepath.Join(dir, "x.db")
	token := tokenFile(t, aToken)
	s.fails(exitFailed, "nope.pem", "serve", "-token-file", token, "-tls-cert", "nope.pem", "-tls-key", "nope.pem")
	s.fails(exitFailed, "nope", "serve", "-token-file", "nope")
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("there is %v, %v", files, err)
	}
}

// The URL of a socket whose path is relative can be used in another directory, too.
func TestServeRelativeSocket(t *testing.T) {
	t.Chdir(t.TempDir())
	s := startServe(t, memory.New(), "", "-listen", "unix://a socket", "-no-token")
	t.Chdir(t.TempDir())
	wantServed(t, s.url)
	s.ends(t)
}
