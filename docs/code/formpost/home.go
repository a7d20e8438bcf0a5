package formpost

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

func home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintf(w, "user %q", s.Owner())
}
