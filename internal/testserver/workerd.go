package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Workerd starts Cloudflare's runtime of Workers with the Worker of
// provider/httpstore/cloudflare, which keeps its records on disk and removes what has
// expired every second. The path of a URL is the name of a store, as with HTTPStore. A
// test may have a main module of its own, which imports from worker.js.
func Workerd(tb testing.TB, main ...string) *Server {
	tb.Helper()
	s, err := startWorkerd(main...)
	return own(tb, []*Server{s}, err)[0]
}

// SharedWorkerd returns the URL of a shared server.
func SharedWorkerd(tb testing.TB) string {
	tb.Helper()
	servers, err := sharedWorkerd()
	require(tb, err)
	return servers[0].URL
}

var sharedWorkerd = once(func() ([]*Server, error) {
	s, err := startWorkerd()
	return []*Server{s}, err
})

// The settings are those of wrangler.jsonc.
const workerdSettings = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = "objects", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:%[1]s", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
%[3]s    (name = "worker.js", esModule = embed "src/worker.js"),
    (name = "shard.js", esModule = embed "src/shard.js"),
    (name = "shards.js", esModule = embed "src/shards.js"),
    (name = "protocol.js", esModule = embed "src/protocol.js"),
  ],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "SHARD", durableObjectNamespace = "Shard"),
    (name = "HOLDFAST_TOKEN", text = "%[2]s"),
    (name = "PURGE_SECONDS", text = "1"),
  ],
  durableObjectNamespaces = [(className = "Shard", uniqueKey = "holdfast", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
`

func startWorkerd(main ...string) (*Server, error) {
	program, err := findWorkerd()
	if err != nil {
		return nil, err
	}
	return start(kind{
		name: "workerd",
		url:  "http://%s",
		command: func(dir, port string) *exec.Cmd {
			// If this fails, the server ends, and its log says why.
			_ = os.CopyFS(filepath.Join(dir, "src"), os.DirFS(workerSource()))
			_ = os.Mkdir(filepath.Join(dir, "objects"), 0o700)
			first := ""
			for _, code := range main {
				_ = os.WriteFile(filepath.Join(dir, "src", "main.js"), []byte(code), 0o600)
				first = `    (name = "main.js", esModule = embed "src/main.js"),` + "\n"
			}
			config := writeConfig(dir, fmt.Sprintf(workerdSettings, port, HTTPStoreToken, first))
			return exec.Command(program, "serve", config)
		},
		ready: accepts, // it logs nothing when it is ready
	})
}

// workerSource returns the folder of the Worker's code.
func workerSource() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "provider", "httpstore", "cloudflare", "src")
}

// findWorkerd returns the program that .ci/install gets.
func findWorkerd() (string, error) {
	program := os.Getenv("HOLDFAST_TEST_WORKERD")
	if program == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		program = filepath.Join(cache, "holdfast", "workerd", "workerd")
	}
	if _, err := os.Stat(program); err != nil {
		return "", missing("install Cloudflare's workerd (.ci/install does), or name its program in HOLDFAST_TEST_WORKERD")
	}
	return program, nil
}
