package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

var report = session.NewKey[string]("report")

// startReport answers at once. The report is made afterwards.
func (site *Site) startReport(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	owner, id := s.Owner(), s.PublicID()
	go site.makeReport(context.WithoutCancel(r.Context()), owner, id)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, "your report is being made")
}

// makeReport puts the report into the session of that public ID. It uses Manager.Update,
// not the Session of the request, which is over.
func (site *Site) makeReport(ctx context.Context, owner, id string) {
	text, err := site.Report(ctx, owner)
	if err == nil {
		err = site.Sessions.Update(ctx, id, func(s *session.Session) error {
			report.Set(s, text)
			return nil
		})
	}
	switch {
	case errors.Is(err, session.ErrEnded):
		slog.InfoContext(ctx, "the user has left before the report was done", "user", owner)
	case err != nil:
		slog.ErrorContext(ctx, "no report", "user", owner, "error", err)
	}
}

func (site *Site) showReport(w http.ResponseWriter, r *http.Request, s *session.Session) {
	text, ok := report.Get(s)
	if !ok {
		text = "not yet"
	}
	fmt.Fprintln(w, text)
}
