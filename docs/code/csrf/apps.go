package csrf

import (
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

// checkBrowsers is checkToken for a Manager whose Config.Header is Authorization. It lets
// pass what is served by the token in that header alone, whatever cookies come with it.
// A request with another scheme, such as Basic, is served by its cookies.
func checkBrowsers(sessions *session.Manager, next http.Handler) http.Handler {
	check := checkToken(sessions, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			next.ServeHTTP(w, r)
			return
		}
		check.ServeHTTP(w, r)
	})
}
