package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpReplayBody is the MaxReplayBody of these tests.
const httpReplayBody = 1 << 10

// httpReplaySite serves leaf below Replay, which keeps up to httpReplayBody bytes of the
// body.
func httpReplaySite(t *testing.T, proto string, leaf httpLeaf) *httpSite {
	t.Helper()
	env := httpNew(t, session.Config{MaxReplayBody: httpReplayBody})
	return env.serve(t, proto, httpWithReplay(env.Manager, leaf))
}

func TestHTTPRequestTrailersReachTheHandler(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, r *http.Request, _ *session.Session) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, r.Trailer.Get("X-Sum"))
		})
		req, _ := http.NewRequest("POST", site.srv.URL, httpOnlyReader{strings.NewReader("body")})
		req.Trailer = http.Header{"X-Sum": {"4"}}
		a, err := site.visitor(t).send(req)
		if err != nil {
			t.Fatal(err)
		}
		httpPage(t, a, 200, "4", 0)
	})
}

// httpSlowBody reports when the first Read begins.
type httpSlowBody struct {
	io.ReadCloser
	begun chan struct{}
	once  *sync.Once
}

func (b httpSlowBody) Read(p []byte) (int, error) {
	b.once.Do(func() { close(b.begun) })
	return b.ReadCloser.Read(p)
}

// A discarded run can leave behind a goroutine that is still reading, as http.Transport
// does. The bytes that it reads are not lost to the next run.
func TestHTTPBodyReadByADiscardedRunIsNotLost(t *testing.T) {
	for _, proto := range httpProtos {
		t.Run(proto, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			begun, feeding, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
			runs := 0
			inner := httpWithReplay(env.Manager, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				http.NewResponseController(w).EnableFullDuplex()
				httpBump(s)
				if runs++; runs == 1 {
					go func() {
						defer close(left)
						io.ReadAll(r.Body)
					}()
					<-begun
					r.Body.Close()
					io.WriteString(w, "page")
					return
				}
				close(feeding)
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Errorf("run %d: %v", runs, err)
				}
				w.Write(body)
			})
			site := env.serve(t, proto, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Body = httpSlowBody{r.Body, begun, new(sync.Once)}
				inner.ServeHTTP(w, r)
				<-left
			}))
			v := site.begun(t)
			v.rivalOnce()
			body, feed := httpStream(t)
			go func() {
				<-feeding
				io.WriteString(feed, "the whole ")
				io.WriteString(feed, "body")
				feed.Close()
			}()
			httpPage(t, v.must("POST", "/", body), 200, "the whole body", 0)
			if runs != 2 {
				t.Errorf("%d runs, want 2", runs)
			}
		})
	}
}

func TestHTTPEachRunReadsTheWholeBody(t *testing.T) {
	text := strings.Repeat("0123456789", httpReplayBody/10)
	reads := []struct {
		rule        string
		size        int // of the body
		first, then int // bytes that the first and the later runs read; -1 all
	}{
		{"all of it twice", httpReplayBody - 24, -1, -1},
		{"a body of exactly MaxReplayBody", httpReplayBody, -1, -1},
		{"a part, then all", 1000, 10, -1},
		{"all, then a part", 1000, -1, 10},
		{"nothing, then all", 1000, 0, -1},
		{"a part of a body over MaxReplayBody, then all of it", 50 * httpReplayBody, 10, -1},
		{"nothing of a body over MaxReplayBody, then all of it", 50 * httpReplayBody, 0, -1},
		{"no body", 0, -1, -1},
	}
	for _, proto := range httpProtos {
		for _, c := range reads {
			t.Run(proto+" "+c.rule, func(t *testing.T) {
				body := strings.Repeat(text+"body", c.size/httpReplayBody+1)[:c.size]
				runs := 0
				site := httpReplaySite(t, proto, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					runs++
					httpBump(s)
					n := c.then
					if runs == 1 {
						n = c.first
					}
					part := io.LimitReader(r.Body, int64(n))
					if n < 0 {
						n, part = c.size, r.Body
					}
					got, err := io.ReadAll(part)
					if string(got) != body[:n] || err != nil {
						t.Errorf("run %d reads %d bytes, %v; want the first %d", runs, len(got), err, n)
					}
					r.Body.Close()
					io.WriteString(w, "page")
				})
				v := site.begun(t)
				v.rivalOnce()
				httpPage(t, v.must("POST", "/", strings.NewReader(body)), 200, "page", 0)
				if runs != 2 {
					t.Errorf("%d runs, want 2", runs)
				}
				v.expect("new=false count=101 name=begun")
			})
		}
	}
}

func TestHTTPBodyOverReplayBodyIsNotReplayed(t *testing.T) {
	for _, size := range []int{httpReplayBody + 1, 50 * httpReplayBody} {
		for _, proto := range httpProtos {
			t.Run(fmt.Sprint(proto, " ", size), func(t *testing.T) {
				runs := 0
				site := httpReplaySite(t, proto, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					runs++
					httpBump(s)
					if n, err := io.Copy(io.Discard, r.Body); int(n) != size || err != nil {
						t.Errorf("%d of %d bytes, %v", n, size, err)
					}
					io.WriteString(w, "page")
				})
				v := site.begun(t)
				v.rivalOnce()
				a := v.must("POST", "/", bytes.NewReader(make([]byte, size)))
				if a.status != http.StatusConflict || strings.Contains(a.body, "page") || runs != 1 {
					t.Errorf("answer %v after %d runs; want 409 after 1", a, runs)
				}
				v.expect("new=false count=100 name=begun")
			})
		}
	}
}

func TestHTTPMaxBytesReaderStartsAnewEachRun(t *testing.T) {
	limit := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 100)
			h.ServeHTTP(w, r)
		})
	}
	for _, where := range []string{"inside", "outside"} {
		for _, size := range []int{100, 101} {
			t.Run(fmt.Sprint(where, " ", size, " of 100 bytes"), func(t *testing.T) {
				env := httpNew(t, session.Config{})
				runs := 0
				leaf := httpLoading(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					runs++
					httpBump(s)
					n, err := io.Copy(io.Discard, r.Body)
					var tooLarge *http.MaxBytesError
					switch {
					case errors.As(err, &tooLarge):
						http.Error(w, "too large", http.StatusRequestEntityTooLarge)
					case err != nil || int(n) != size:
						t.Errorf("run %d: %d bytes, %v", runs, n, err)
					default:
						io.WriteString(w, "page")
					}
				})
				h := env.Handler(env.Replay(limit(leaf)))
				if where == "outside" {
					h = env.Handler(limit(env.Replay(leaf)))
				}
				site := env.serve(t, httpProto1, h)
				v := site.begun(t)
				v.rivalOnce()
				a, err := v.do("POST", "/", bytes.NewReader(make([]byte, size)))
				if err != nil {
					t.Fatal(err)
				}
				if want := map[int]int{100: 200, 101: 413}[size]; a.status != want || runs != 2 {
					t.Errorf("answer %v after %d runs; want %d after 2", a, runs, want)
				}
				v.expect("new=false count=101 name=begun")
			})
		}
	}
}

// httpCountedBody counts its reads.
type httpCountedBody struct {
	io.ReadCloser
	reads *atomic.Int64
}

func (b httpCountedBody) Read(p []byte) (int, error) {
	b.reads.Add(1)
	return b.ReadCloser.Read(p)
}

func TestHTTPBodyIsNeverReadAhead(t *testing.T) {
	for _, rivals := range []int64{0, 1} {
		for _, proto := range httpProtos {
			t.Run(fmt.Sprint(proto, " ", rivals, " conflicts"), func(t *testing.T) {
				env := httpNew(t, session.Config{})
				var reads atomic.Int64
				inner := httpWithReplay(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					http.NewResponseController(w).EnableFullDuplex() // or HTTP/1.1 itself waits for the body
					httpBump(s)
					io.WriteString(w, "page")
				})
				site := env.serve(t, proto, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Body = httpCountedBody{r.Body, &reads}
					inner.ServeHTTP(w, r)
				}))
				v := site.begun(t)
				v.rivals(rivals)
				body, _ := httpStream(t) // no byte ever arrives
				req, _ := http.NewRequest("POST", site.srv.URL, body)
				res, err := v.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				page := make([]byte, 4)
				if _, err := io.ReadFull(res.Body, page); res.StatusCode != 200 || string(page) != "page" {
					t.Errorf("answer %d %q, %v", res.StatusCode, page, err)
				}
				if n := reads.Load(); n != 0 {
					t.Errorf("%d reads of a body that the handler does not read", n)
				}
			})
		}
	}
}

func TestHTTPExpectContinue(t *testing.T) {
	for _, read := range []bool{true, false} {
		t.Run(fmt.Sprintf("handler reads %t", read), func(t *testing.T) {
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "expected")
					if !read {
						w.WriteHeader(http.StatusUnsupportedMediaType)
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Errorf("body: %v", err)
					}
					w.Write(body)
				})
				v := site.visitor(t)
				transport := site.srv.Client().Transport.(*http.Transport).Clone()
				transport.ExpectContinueTimeout = httpPatience
				v.client.Transport = transport
				defer transport.CloseIdleConnections()

				continued := false
				ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
					Got100Continue: func() { continued = true },
				})
				req, _ := http.NewRequestWithContext(ctx, "POST", site.srv.URL, httpOnlyReader{strings.NewReader("body")})
				req.Header.Set("Expect", "100-continue")
				a, err := v.send(req)
				if err != nil {
					t.Fatal(err)
				}
				if read {
					httpPage(t, a, 200, "body", 1)
				} else {
					httpPage(t, a, 415, "", 1)
				}
				if continued != read {
					t.Errorf("100 Continue: %t, want %t", continued, read)
				}
				v.expect("new=false count=0 name=expected")
			})
		})
	}
}
