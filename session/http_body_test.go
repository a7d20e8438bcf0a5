package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpReplayBody is the ReplayBody of these tests.
const httpReplayBody = 1 << 10

// httpReplaySite serves leaf under Replay, with httpReplayBody bytes of body kept.
func httpReplaySite(t *testing.T, proto string, leaf httpLeaf) *httpSite {
	t.Helper()
	env := httpNew(t, session.Config{ReplayBody: httpReplayBody})
	return env.serve(t, proto, httpWithReplay(env.Manager, leaf))
}

// httpBump reads and sets count, so that a rival's change conflicts.
func httpBump(s *session.Session) {
	n, _ := httpCount.Get(s)
	httpCount.Set(s, n+1)
}

// httpUpload is a form with a file of size bytes. It returns its content type too.
func httpUpload(t *testing.T, size int) (*bytes.Buffer, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("title", "film")
	file, err := form.CreateFormFile("file", "film")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(bytes.Repeat([]byte("f"), size))
	form.Close()
	return &body, form.FormDataContentType()
}

// net/http removes the temporary files of the request that it has made, not of
// the copy that the middleware passes on.
func TestHTTPUploadLeavesNoTemporaryFile(t *testing.T) {
	const size = 1 << 16
	for _, rivals := range []int64{0, 2} {
		for _, proto := range httpProtos {
			for _, shape := range httpShapes {
				t.Run(fmt.Sprintf("%s %s %d conflicts", proto, shape.name, rivals), func(t *testing.T) {
					dir := t.TempDir()
					t.Setenv("TMPDIR", dir)
					env := httpNew(t, session.Config{})
					runs := 0
					site := env.serve(t, proto, shape.wrap(env.Manager,
						func(w http.ResponseWriter, r *http.Request, s *session.Session) {
							runs++
							httpBump(s)
							if err := r.ParseMultipartForm(1 << 10); err != nil {
								t.Errorf("run %d: %v", runs, err)
								return
							}
							if files, err := os.ReadDir(dir); len(files) == 0 {
								t.Errorf("the form makes no temporary file: %v", err)
							}
							file, head, err := r.FormFile("file")
							if err != nil || head.Size != size || r.FormValue("title") != "film" {
								t.Errorf("run %d: form %v, %v", runs, r.MultipartForm, err)
								return
							}
							defer file.Close()
							n, _ := io.Copy(io.Discard, file)
							fmt.Fprintf(w, "%d bytes", n)
						}))
					v := site.begun(t)
					v.rivals(rivals)
					body, contentType := httpUpload(t, size)
					req, _ := http.NewRequest("POST", site.srv.URL, body)
					req.Header.Set("Content-Type", contentType)
					a, err := v.send(req)
					if err != nil {
						t.Fatal(err)
					}
					switch {
					case rivals > 0 && !httpReplays(shape.name, "POST"):
						if a.status != http.StatusConflict || runs != 1 {
							t.Errorf("answer %v after %d runs; want 409 after 1", a, runs)
						}
					default:
						httpPage(t, a, 200, fmt.Sprintf("%d bytes", size), 0)
						if runs != int(rivals)+1 {
							t.Errorf("%d runs, want %d", runs, rivals+1)
						}
					}
					site.srv.Close() // the files go when the server is done, after the answer
					if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
						t.Errorf("left behind: %v, %v", files, err)
					}
				})
			}
		}
	}
}

// A form that middleware around Replay has parsed is no run's own.
func TestHTTPUploadParsedOutsideServesEachRun(t *testing.T) {
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			const size = 1 << 16
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			env := httpNew(t, session.Config{})
			runs := 0
			inner := shape.wrap(env.Manager, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				runs++
				httpBump(s)
				file, _, err := r.FormFile("file")
				if err != nil {
					t.Errorf("run %d: %v", runs, err)
					return
				}
				defer file.Close()
				n, _ := io.Copy(io.Discard, file)
				fmt.Fprintf(w, "%d bytes", n)
			})
			site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1 << 10); err != nil {
					t.Error(err)
				}
				inner.ServeHTTP(w, r)
			}))
			v := site.begun(t)
			replayed := httpReplays(shape.name, "POST")
			if replayed {
				v.rivalOnce()
			}
			body, contentType := httpUpload(t, size)
			req, _ := http.NewRequest("POST", site.srv.URL, body)
			req.Header.Set("Content-Type", contentType)
			a, err := v.send(req)
			if err != nil {
				t.Fatal(err)
			}
			httpPage(t, a, 200, fmt.Sprintf("%d bytes", size), 0)
			if (runs == 2) != replayed {
				t.Errorf("%d runs", runs)
			}
			site.srv.Close()
			if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
				t.Errorf("left behind: %v, %v", files, err)
			}
		})
	}
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

// httpSlowBody tells when somebody begins to read.
type httpSlowBody struct {
	io.ReadCloser
	begun chan struct{}
	once  *sync.Once
}

func (b httpSlowBody) Read(p []byte) (int, error) {
	b.once.Do(func() { close(b.begun) })
	return b.ReadCloser.Read(p)
}

// A discarded run can leave a goroutine behind that is still reading, as
// http.Transport's is. What that reads is not lost to the next run.
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

// HandlerFunc replays what is safe and has no body. Over HTTP/2 a request has
// a Body even so.
func TestHTTPSafeRequestsAreReplayed(t *testing.T) {
	for _, proto := range httpProtos {
		for _, shape := range httpShapes {
			for _, c := range []struct {
				method, body string
				replayed     bool
			}{
				{"GET", "", httpReplays(shape.name, "GET")},
				{"HEAD", "", httpReplays(shape.name, "HEAD")},
				{"OPTIONS", "", httpReplays(shape.name, "OPTIONS")},
				{"POST", "", httpReplays(shape.name, "POST")},
				{"PUT", "body", httpReplays(shape.name, "PUT")},
				{"GET", "body", httpReplays(shape.name, "POST")},
			} {
				t.Run(strings.TrimSpace(fmt.Sprint(proto, " ", shape.name, " ", c.method, " ", c.body)), func(t *testing.T) {
					env := httpNew(t, session.Config{})
					runs := 0
					site := env.serve(t, proto, shape.wrap(env.Manager,
						func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
							runs++
							httpBump(s)
							w.WriteHeader(http.StatusNoContent)
						}))
					v := site.begun(t)
					v.rivalOnce()
					var body io.Reader
					if c.body != "" {
						body = strings.NewReader(c.body)
					}
					a := v.must(c.method, "/", body)
					status, want := 409, 1
					if c.replayed {
						status, want = 204, 2
					}
					if a.status != status || runs != want {
						t.Errorf("answer %v after %d runs; want %d after %d", a, runs, status, want)
					}
				})
			}
		}
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
		{"a body of exactly ReplayBody", httpReplayBody, -1, -1},
		{"a part, then all", 1000, 10, -1},
		{"all, then a part", 1000, -1, 10},
		{"nothing, then all", 1000, 0, -1},
		{"a part of a body over ReplayBody, then all of it", 50 * httpReplayBody, 10, -1},
		{"nothing of a body over ReplayBody, then all of it", 50 * httpReplayBody, 0, -1},
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

func TestHTTPEachRunGetsARequestOfItsOwn(t *testing.T) {
	runs := 0
	env := httpNew(t, session.Config{})
	mux := http.NewServeMux()
	mux.Handle("POST /item/{id}", env.Replay(httpLoading(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		runs++
		httpBump(s)
		if r.URL.Path != "/item/7" || r.PathValue("id") != "7" || r.Pattern != "POST /item/{id}" ||
			r.Header.Get("X-Own") != "client" || r.Form != nil || w.Header().Get("X-Run") != "" {
			t.Errorf("run %d sees what the one before has changed: %v %v", runs, r, w.Header())
		}
		if got := r.FormValue("color"); got != "red" {
			t.Errorf("run %d: form value %q", runs, got)
		}
		r.URL.Path = "/changed"
		r.Header.Set("X-Own", "changed")
		r.SetPathValue("id", "changed")
		w.Header().Set("X-Run", fmt.Sprint(runs))
		io.WriteString(w, "page")
	})))
	site := env.serve(t, httpProto1, env.Handler(mux))
	v := site.begun(t)
	v.rivalOnce()
	req, _ := http.NewRequest("POST", site.srv.URL+"/item/7", strings.NewReader("color=red"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Own", "client")
	a, err := v.send(req)
	if err != nil {
		t.Fatal(err)
	}
	httpPage(t, a, 200, "page", 0)
	if got := a.header.Values("X-Run"); len(got) != 1 || got[0] != "2" {
		t.Errorf("X-Run: %v; want the last run's alone", got)
	}
	v.expect("new=false count=101 name=begun")
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

// httpCountedBody counts the reads.
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
					http.NewResponseController(w).EnableFullDuplex() // else HTTP/1.1 itself waits for the body
					httpBump(s)
					io.WriteString(w, "page")
				})
				site := env.serve(t, proto, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Body = httpCountedBody{r.Body, &reads}
					inner.ServeHTTP(w, r)
				}))
				v := site.begun(t)
				v.rivals(rivals)
				body, _ := httpStream(t) // nothing ever comes
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

// A run that ends with http.ErrAbortHandler because its commit failed is
// discarded; one that panics otherwise is not run again.
func TestHTTPReplayOfAPanickingRun(t *testing.T) {
	for _, c := range []struct {
		rule  string
		value any
		runs  int
	}{
		{"ErrAbortHandler after a failed commit is swallowed", http.ErrAbortHandler, 2},
		{"any other panic propagates", "boom", 1},
	} {
		t.Run(c.rule, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			runs := 0
			inner := httpWithReplay(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				runs++
				httpBump(s)
				if _, err := io.WriteString(w, "page"); err != nil {
					panic(c.value)
				}
			})
			var recovered any
			site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recovered = recover(); recovered != nil {
						panic(http.ErrAbortHandler)
					}
				}()
				inner.ServeHTTP(w, r)
			}))
			v := site.begun(t)
			v.rivalOnce()
			a, err := v.do("POST", "/", nil)
			<-site.done
			if runs != c.runs {
				t.Errorf("%d runs, want %d", runs, c.runs)
			}
			if c.runs == 2 {
				if err != nil {
					t.Fatal(err)
				}
				httpPage(t, a, 200, "page", 0)
				v.expect("new=false count=101 name=begun")
				return
			}
			if recovered != c.value || err == nil && a.err == nil {
				t.Errorf("answer %v, recovered %v", a, recovered)
			}
			v.expect("new=false count=100 name=begun")
		})
	}
}
