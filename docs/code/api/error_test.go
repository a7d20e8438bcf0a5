package api

import (
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

func errorSite(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeError(w, session.StatusCode(err), err) })
}
