package session_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Flask 3.1.0 passed its keys on in the wrong order: it signed with the oldest key, the
// one about to be retired.
func TestCVE_2025_47278_KeyOrder(t *testing.T) {
	t.Run("of SigningKeys, the first signs", func(t *testing.T) {
		keys := [][]byte{bytes.Repeat([]byte("3"), 32), bytes.Repeat([]byte("2"), 32), bytes.Repeat([]byte("1"), 32)}
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = keys })
		for _, do := range []func(*session.Session){set("a=1"), renew, func(s *session.Session) { s.Persist(time.Hour) }} {
			c := w.client()
			c.post(inOrder(set("a=1"), do)).wantPage(t)
			for i, key := range keys {
				if signed := verified([][]byte{key}, c.jar["session"]) != nil; signed != (i == 0) {
					t.Errorf("key %d of %d signed: %t", i, len(keys), signed)
				}
			}
		}
	})

	bubble("of the ring in the store, the newest that is due signs", t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil; cfg.SigningKeyRotation = time.Hour })
		w.client().post(set("a=1")).wantPage(t)
		ring := w.savesSince(0)[0].ID
		for range 20 {
			time.Sleep(14 * time.Minute)
			c := w.client()
			c.post(set("a=1")).wantPage(t)
			data := w.stored(ring).Data
			for due := true; len(data) > 2; data = append(data[:2], data[42:]...) { // newest first
				from := time.UnixMilli(int64(bytesToUint64(data[2:10])))
				signed := verified([][]byte{data[10:42]}, c.jar["session"]) != nil
				if signs := due && !from.After(time.Now()); signed != signs {
					t.Errorf("the key of %v signed: %t", time.Until(from), signed)
				} else if signs {
					due = false
				}
			}
		}
	})
}

func bytesToUint64(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// Fiber used a guessable ID where the source of randomness failed. Here crypto/rand ends
// the process instead.
func TestCVE_2025_66630_WeakRandomness(t *testing.T) {
	t.Run("where randomness fails, no cookie goes out", func(t *testing.T) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHelperWithoutRandomness$", "-test.v")
		cmd.Env = append(os.Environ(), "HOLDFAST_TEST_WITHOUT_RANDOMNESS=1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !bytes.Contains(out, []byte("crypto/rand: failed to read random data")) {
			t.Errorf("the process ended with %v:\n%s", err, out)
		}
		if bytes.Contains(out, []byte("Set-Cookie")) {
			t.Errorf("a cookie went out:\n%s", out)
		}
	})

	t.Run("tokens are random throughout", func(t *testing.T) {
		w := newWorld(t)
		const n = 2000
		var ones [256]int
		seen := map[string]bool{}
		for range n {
			c := w.client()
			c.post(set("a=1"))
			token := verified([][]byte{bytes.Repeat([]byte("k"), 32)}, c.jar["session"])
			if len(token) != 32 || seen[string(token)] {
				t.Fatalf("a token of %d bytes, seen before: %t", len(token), seen[string(token)])
			}
			seen[string(token)] = true
			for i := range ones {
				ones[i] += bits.OnesCount8(token[i/8] & (1 << (i % 8)))
			}
		}
		for i, k := range ones { // 8 standard deviations
			if k < n/2-180 || k > n/2+180 {
				t.Errorf("bit %d is set in %d of %d tokens", i, k, n)
			}
		}
	})

	t.Run("no other source of randomness is compiled in", func(t *testing.T) {
		err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, imp := range file.Imports {
				if strings.HasPrefix(imp.Path.Value, `"math/rand`) {
					t.Errorf("%s imports %s", name, imp.Path.Value)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestHelperWithoutRandomness is the process that the test above starts.
func TestHelperWithoutRandomness(t *testing.T) {
	if os.Getenv("HOLDFAST_TEST_WITHOUT_RANDOMNESS") == "" {
		return
	}
	rand.Reader = noTokens{rand.Reader}
	m := newManager(t, memory.New(), session.Config{
		SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 32)},
		Logger:      slog.New(slog.DiscardHandler),
	})
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Set(s, 1) }).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println("answered", w.Code, w.Header())
}

// noTokens fails reads of the length of a token. (Versions are random as well, but need
// not be secret.)
type noTokens struct{ io.Reader }

func (r noTokens) Read(b []byte) (int, error) {
	if len(b) == 32 {
		return 0, errors.New("no randomness")
	}
	return r.Reader.Read(b)
}
