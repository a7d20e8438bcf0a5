// Package admin is the code of docs/admin.md: the operator's page.
package admin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Site is a site with an operator's page.
type Site struct {
	Sessions *session.Manager
	stats    admin.Stats
	roleOf   func(userID string) string // in the site's database
	log      *AuditLog
}

// New returns a site whose Stats see every event of its sessions.
func New(store provider.Provider, roleOf func(userID string) string, log *AuditLog) (*Site, error) {
	site := &Site{roleOf: roleOf, log: log}
	var err error
	site.Sessions, err = session.New(store, session.Config{Observer: site.stats.Observe})
	return site, err
}

// Mount serves the operator's page at /admin/.
func (site *Site) Mount(mux *http.ServeMux) {
	pages := admin.Handler(site.Sessions, admin.Options{
		Stats:     &site.stats,
		Authorize: site.authorize,
		Audit:     site.log.write,
	})
	mux.Handle("/admin/", site.Sessions.Handler(pages)) // so that authorize can load the session
}

// authorize gives the rights of the user's role. Whoever is not signed in has none.
func (site *Site) authorize(r *http.Request) (operator string, may admin.Rights) {
	s, err := site.Sessions.Load(r.Context())
	if err != nil || s.Owner() == "" {
		return "", admin.Rights{}
	}
	switch site.roleOf(s.Owner()) {
	case "support":
		may = admin.Rights{View: true, End: true}
	case "security":
		may = admin.AllRights()
	}
	return s.Owner(), may
}

// AuditLog writes a line of JSON for each act of an operator.
type AuditLog struct {
	mu sync.Mutex
	to io.Writer
}

// write returns an error if the line was not written. The act is then not carried out.
func (l *AuditLog) write(_ context.Context, e admin.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.NewEncoder(l.to).Encode(e)
}
