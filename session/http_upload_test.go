package session_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpUpload returns a form with a file of size bytes, and its content type.
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

// net/http removes the temporary files of the request that it has made, not those of the
// copy that the middleware passes on.
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
					site.srv.Close() // the server removes the files when it is done, after the answer
					if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
						t.Errorf("left behind: %v, %v", files, err)
					}
				})
			}
		}
	}
}

// A form that middleware around Replay has parsed belongs to no run.
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
