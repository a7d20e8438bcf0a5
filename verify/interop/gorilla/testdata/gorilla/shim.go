// Package sessions has what gorilla's tests call, with the stores replaced.
package sessions

import (
	"net/http"

	gorilla "github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/verify/interop/gorilla/borrowed/backend"
)

type (
	Session = gorilla.Session
	Store   = gorilla.Store
)

func NewSession(store Store, name string) *Session { return gorilla.NewSession(store, name) }

func Save(r *http.Request, w http.ResponseWriter) error { return gorilla.Save(r, w) }

// NewCookieStore has the SameSite mode that TestFlashes wants of the defaults.
func NewCookieStore(...[]byte) *gorillaholdfast.Store {
	s := backend.Store()
	s.Options.SameSite = http.SameSiteNoneMode
	return s
}

func NewFilesystemStore(string, ...[]byte) *gorillaholdfast.Store { return backend.Store() }
