// Package files is the code of docs/files.md: downloads and streams.
package files

import (
	"encoding/csv"
	"io/fs"
	"net/http"
	"os"
	"strconv"

	"github.com/holdfast-go/holdfast/session"
)

// A Site has files of its users.
type Site struct {
	Sessions *session.Manager
	Static   fs.FS // for everybody
	Private  *os.Root
}

var downloads = session.NewKey[int]("downloads")

// Routes returns the handlers of the site. Files for everybody do not load the session, so
// they cost no storage trip, and caches may keep them.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(site.Static)))
	mux.HandleFunc("GET /files/{name}", site.Sessions.HandlerFunc(site.download))
	mux.HandleFunc("GET /export", site.Sessions.HandlerFunc(site.export))
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	return mux
}

// download sends a file of the user. http.ServeContent handles ranges and conditions.
func (site *Site) download(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	own, err := site.Private.OpenRoot(s.Owner()) // no name leads out of it
	if err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	defer own.Close()
	file, err := own.Open(r.PathValue("name"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	downloads.Update(s, func(n int) int { return n + 1 }) // committed before the first byte
	w.Header().Set("Cache-Control", "private")
	w.Header().Set("Content-Disposition", "attachment")
	http.ServeContent(w, r, info.Name(), info.ModTime(), file)
}

// export sends rows as they are made.
func (site *Site) export(w http.ResponseWriter, r *http.Request, s *session.Session) {
	n, _ := downloads.Get(s)
	w.Header().Set("Content-Type", "text/csv")
	rows := csv.NewWriter(w)
	defer rows.Flush()
	for i := range n {
		if err := rows.Write([]string{"download", strconv.Itoa(i + 1)}); err != nil {
			return
		}
	}
}
