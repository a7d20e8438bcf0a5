package admin_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Mount the pages at /admin/, and let an operator end the sessions of a user. A real
// Authorize looks at the operator's session: see docs/admin.md.
func ExampleHandler() {
	var stats admin.Stats
	sessions, err := session.New(memory.New(), session.Config{Observer: stats.Observe})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", admin.Handler(sessions, admin.Options{
		Stats: &stats,
		Authorize: func(r *http.Request) (operator string, may admin.Rights) {
			name, password, _ := r.BasicAuth()
			if name == "olga" && password == "correct horse" {
				return name, admin.Rights{View: true, End: true}
			}
			return "", admin.Rights{}
		},
		Audit: func(_ context.Context, e admin.Entry) error {
			_, err := fmt.Println(e.Operator, e.Action, e.Owner)
			return err
		},
	}))

	form := strings.NewReader(url.Values{"owner": {"42"}}.Encode())
	r := httptest.NewRequest(http.MethodPost, "https://example.com/admin/end-owner", form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	refused := httptest.NewRecorder()
	mux.ServeHTTP(refused, r.Clone(r.Context()))
	fmt.Println(refused.Code)

	r.SetBasicAuth("olga", "correct horse")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output:
	// 403
	// olga end_owner 42
	// 303 sessions?done=ended-owner&owner=42
}

// Stats count beside another Observer, such as that of otelholdfast.
func ExampleStats_Observe() {
	var stats admin.Stats
	other := func(_ context.Context, e session.Event) { fmt.Println(e.Op, e.Outcome()) }
	sessions, err := session.New(memory.New(), session.Config{
		Observer: func(ctx context.Context, e session.Event) {
			stats.Observe(ctx, e)
			other(ctx, e)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	visits := session.NewKey[int]("visits")
	page := sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { visits.Set(s, 1) })
	page.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	// Output:
	// create ok
	// save ok
}
