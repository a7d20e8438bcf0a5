package live

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var uploads = session.NewKey[[]int64]("uploads")

const maxUpload = 1 << 30

// upload notes the size of each file. While it reads, other requests of the visitor read
// and change the session: nothing is locked.
func (site *Site) upload(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	deadline := time.Now().Add(time.Hour) // the timeouts of http.Server are for pages
	in := http.NewResponseController(w)
	_, _ = in.SetReadDeadline(deadline), in.SetWriteDeadline(deadline)
	size, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxUpload)) // to a file
	if err != nil {
		http.Error(w, "the upload has failed", http.StatusBadRequest)
		return
	}
	uploads.Update(s, func(sizes []int64) []int64 { return append(sizes, size) })
	fmt.Fprintln(w, "received", size)
}

func (site *Site) showUploads(w http.ResponseWriter, r *http.Request, s *session.Session) {
	sizes, _ := uploads.Get(s)
	fmt.Fprintln(w, sizes)
}
