package session_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleReplayBody(t *testing.T) {
	t.Run("is recorded as it is read, never read ahead; Close is deferred", func(t *testing.T) {
		_, c, _ := begun(t)
		body := &watched{Reader: strings.NewReader("0123456789")}
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if h.runs == 1 {
				io.ReadFull(r.Body, make([]byte, 4))
				if body.read != 4 {
					t.Errorf("%d bytes are read; the handler asked for 4", body.read)
				}
				r.Body.Close()
				if body.closed {
					t.Error("closed while a re-run may need it")
				}
				return
			}
			if body.read != 4 {
				t.Errorf("%d bytes are read before the second run", body.read)
			}
			if all, err := io.ReadAll(r.Body); string(all) != "0123456789" || err != nil {
				t.Errorf("the second run reads %q, %v", all, err)
			}
		}
		r := request("POST", "")
		r.Body, r.ContentLength = body, 10
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
	})

	t.Run("a run that reads none leaves it to the next", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 2}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			want := []string{"", "012", "0123456789"}[h.runs-1]
			got := make([]byte, len(want))
			io.ReadFull(r.Body, got)
			if string(got) != want {
				t.Errorf("run %d reads %q", h.runs, got)
			}
		}
		c.serve(replay(c.m, h.serve), request("POST", "0123456789")).wantPage(t)
		if h.runs != 3 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("an error of the body comes at its place again", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if all, err := io.ReadAll(r.Body); string(all) != "0123" || !errors.Is(err, errBroken) {
				t.Errorf("run %d reads %q, %v", h.runs, all, err)
			}
		}
		r := request("POST", "")
		r.Body = io.NopCloser(&broken{Reader: strings.NewReader("0123")})
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
	})

	for _, tc := range []struct {
		rule   string
		length int
		again  bool
	}{
		{"up to MaxReplayBody is replayed", 8, true},
		{"over MaxReplayBody is 409", 9, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, _ := begun(t, func(cfg *session.Config) { cfg.MaxReplayBody = 8 })
			h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
				if all, err := io.ReadAll(r.Body); len(all) != tc.length || err != nil {
					t.Errorf("read %d bytes, %v", len(all), err)
				}
			}}
			a := c.serve(replay(c.m, h.serve), request("POST", strings.Repeat("x", tc.length)))
			if tc.again {
				h.wantReplayed(t, a)
			} else {
				h.wantRefused(t, a)
			}
		})
	}

	t.Run("over MaxReplayBody, unread, is no hindrance", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.MaxReplayBody = 8 })
		h := &contested{rival: c.tab(), n: 1}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", strings.Repeat("x", 100))))
	})

	t.Run("a MaxBytesReader starts anew", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, r *http.Request, _ *session.Session) {
			r.Body = http.MaxBytesReader(w, r.Body, 10)
			if all, err := io.ReadAll(r.Body); len(all) != 10 || err != nil {
				t.Errorf("read %d bytes, %v", len(all), err)
			}
		}}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", "0123456789")))
	})

	t.Run("a MaxBytesReader of a middleware counts once", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, r *http.Request, _ *session.Session) {
			if all, err := io.ReadAll(r.Body); len(all) != 10 || err != nil {
				t.Errorf("read %d bytes, %v", len(all), err)
			}
		}}
		h.wantReplayed(t, c.serve(http.MaxBytesHandler(replay(c.m, h.serve), 10), request("POST", "0123456789")))
	})

	t.Run("forms of discarded runs are removed, the last one's is handed back", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if err := r.ParseMultipartForm(0); err != nil {
				t.Error(err)
			}
			if files, _ := os.ReadDir(dir); len(files) != 1 {
				t.Errorf("in run %d there are %d temporary files", h.runs, len(files))
			}
		}
		body, contentType := multipartBody("file", "content")
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header.Set("Content-Type", contentType)
		inner := replay(c.m, h.serve)
		a := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r)
			if r.MultipartForm == nil {
				t.Fatal("the form is not handed back")
			}
			r.MultipartForm.RemoveAll() // as net/http does
		}), r)
		h.wantReplayed(t, a)
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%d temporary files are left", len(files))
		}
	})
}

func TestRuleReplayOuterForm(t *testing.T) {
	t.Run("a form parsed outside, by a CSRF check, is there for every run", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			file, _, err := r.FormFile("file")
			if err != nil {
				t.Errorf("run %d: %v", h.runs, err)
				return
			}
			defer file.Close()
			if content, err := io.ReadAll(file); string(content) != "content" {
				t.Errorf("run %d reads %q, %v", h.runs, content, err)
			}
		}
		body, contentType := multipartBody("file", "content")
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header.Set("Content-Type", contentType)
		inner := replay(c.m, h.serve)
		h.wantReplayed(t, c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(0); err != nil {
				t.Error(err)
			}
			defer r.MultipartForm.RemoveAll()
			inner.ServeHTTP(w, r)
		}), r))
	})
}

// With the fewest attempts that allow a second run, that run has the body as well.
func TestRuleReplayOfTwoAttemptsHasTheBodyTwice(t *testing.T) {
	_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = 2 })
	h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
		if body, err := io.ReadAll(r.Body); string(body) != "body" || err != nil {
			t.Errorf("read %q, %v", body, err)
		}
	}}
	h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", "body")))
}

// multipartBody returns a form with one file.
func multipartBody(name, content string) (io.Reader, string) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	file, _ := form.CreateFormFile(name, name)
	io.WriteString(file, content)
	form.Close()
	return &b, form.FormDataContentType()
}

// watched is a body that records how far it was read.
type watched struct {
	io.Reader
	read   int
	closed bool
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *watched) Close() error { b.closed = true; return nil }

// broken is a body whose client disconnects. It must not be read again after that.
type broken struct {
	io.Reader
	gone bool
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	if b.gone {
		return n, io.EOF
	}
	b.gone = true
	return n, errBroken
}
