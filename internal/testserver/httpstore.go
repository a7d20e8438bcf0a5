package testserver

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// HTTPStoreToken is the token of the servers of HTTPStore, SharedHTTPStore, Workerd and
// SharedWorkerd.
const HTTPStoreToken = "token-of-the-tests"

// HTTPStore starts a server of provider/httpstore that keeps its records in files. The
// first segment of a URL's path is the name of a store, which exists when it is used:
// http://127.0.0.1:port/name.
func HTTPStore(tb testing.TB) *Server {
	tb.Helper()
	s, err := startHTTPStore("files")
	return own(tb, []*Server{s}, err)[0]
}

// SharedHTTPStore returns the URL of a shared server that keeps its records in memory.
func SharedHTTPStore(tb testing.TB) string {
	tb.Helper()
	servers, err := sharedHTTPStore()
	require(tb, err)
	return servers[0].URL
}

var sharedHTTPStore = once(func() ([]*Server, error) {
	s, err := startHTTPStore("memory")
	return []*Server{s}, err
})

// These variables make Main serve, in a process of its own that can be killed.
const (
	envHTTPStore     = "HOLDFAST_TESTSERVER_HTTPSTORE" // files or memory
	envHTTPStorePort = "HOLDFAST_TESTSERVER_HTTPSTORE_PORT"
)

func startHTTPStore(storage string) (*Server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(kind{
		name: "httpstore",
		url:  "http://%s",
		command: func(_, port string) *exec.Cmd {
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), envHTTPStore+"="+storage, envHTTPStorePort+"="+port)
			return cmd
		},
		ready: logged("ready"),
	})
}

// serveHTTPStore serves until the process is killed, if the environment says so.
func serveHTTPStore() {
	storage := os.Getenv(envHTTPStore)
	if storage == "" {
		return
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv(envHTTPStorePort)))
	if err == nil {
		fmt.Println("ready")
		err = http.Serve(listener, &storesByName{storage: storage})
	}
	fmt.Println(err)
	os.Exit(1)
}

// storesByName serves many stores, each below a path of its own.
type storesByName struct {
	storage  string
	mu       sync.Mutex
	handlers map[string]http.Handler
}

func (s *storesByName) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h, err := s.handler(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.StripPrefix("/"+name, h).ServeHTTP(w, r)
}

func (s *storesByName) handler(name string) (http.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.handlers[name]; h != nil {
		return h, nil
	}
	var store provider.Provider = memory.New()
	if s.storage == "files" {
		files, err := filestore.Open(filepath.Join("stores", name))
		if err != nil {
			return nil, err
		}
		store = files
	}
	h, err := httpstore.Handler(store, httpstore.HandlerOptions{Token: HTTPStoreToken})
	if err != nil {
		return nil, err
	}
	if s.handlers == nil {
		s.handlers = make(map[string]http.Handler)
	}
	s.handlers[name] = h
	return h, nil
}
