package session_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// All parallel pages of a visitor carry the token that is stored, whichever instance
// answers, if their handler can run again: below Handler as well.
func TestHTTPParallelPagesCarryTheStoredToken(t *testing.T) {
	const pages = 6
	token := session.NewKey[string]("token")
	shapes := map[string]func(*session.Manager, httpLeaf) http.Handler{
		"HandlerFunc in Handler": func(m *session.Manager, leaf httpLeaf) http.Handler { return m.Handler(m.HandlerFunc(leaf)) },
		"Replay in Handler":      httpWithReplay,
		"HandlerFunc":            httpWithHandlerFunc,
	}
	for name, wrap := range shapes {
		for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
			t.Run(name, func(t *testing.T) {
				store := &storetest.Store{Provider: memory.New()}
				var urls []string
				var first sync.Map // of the requests: their first runs all overlap
				meet := barrier(pages)
				for range 2 {
					m := newManager(t, store, session.Config{
						SigningKeys: [][]byte{httpSigningKey}, Isolation: level, StoreTimeout: patience, Cookie: session.Cookie{Insecure: true},
					})
					mux := http.NewServeMux()
					mux.Handle("/begin", m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { httpCount.Set(s, 1) }))
					mux.Handle("/stored", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
						text, _ := token.Get(s)
						io.WriteString(w, text)
					}))
					mux.Handle("/page", wrap(m, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
						text := token.GetOrSet(s, rand.Text)
						if _, again := first.LoadOrStore(r.Header.Get("X-Page"), true); !again {
							meet()
						}
						io.WriteString(w, text)
					}))
					server := httptest.NewServer(mux)
					t.Cleanup(server.Close)
					urls = append(urls, server.URL)
				}
				ask := func(i int, path, cookie string) (status int, text string, cookies []*http.Cookie) {
					r, _ := http.NewRequestWithContext(t.Context(), "GET", urls[i%2]+path, nil)
					r.Header.Set("X-Page", string(rune('a'+i)))
					if cookie != "" {
						r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
					}
					res, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Error(err)
						return 0, "", nil
					}
					defer res.Body.Close()
					body, _ := io.ReadAll(res.Body)
					return res.StatusCode, string(body), res.Cookies()
				}
				_, _, cookies := ask(0, "/begin", "")
				if len(cookies) != 1 {
					t.Fatalf("got cookies %v", cookies)
				}
				var got [pages]string
				parallel(pages, func(i int) {
					status, text, _ := ask(i, "/page", cookies[0].Value)
					if status != http.StatusOK {
						t.Errorf("status %d: %s", status, text)
					}
					got[i] = text
				})
				_, stored, _ := ask(0, "/stored", cookies[0].Value)
				for _, text := range got {
					if text != stored || text == "" {
						t.Errorf("the pages have %q, stored is %q", got, stored)
					}
				}
			})
		}
	}
}
