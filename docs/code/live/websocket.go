package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/holdfast-go/holdfast/session"
)

var draft = session.NewKey[string]("draft")

// editor keeps the text that the user types as a draft in the session.
func (site *Site) editor(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil) // refuses pages of other origins
	if err != nil {
		return
	}
	defer conn.CloseNow()
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	go site.closeAtLogout(ctx, conn, s)

	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if err := s.Touch(ctx); err != nil { // the user is at work: no idle timeout
			conn.Close(websocket.StatusPolicyViolation, "please log in")
			return
		}
		err = s.Update(ctx, func(s *session.Session) error {
			draft.Set(s, string(text))
			return nil
		})
		if err != nil {
			conn.Close(websocket.StatusTryAgainLater, "not saved")
			return
		}
		if err := conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "saved %d bytes", len(text))); err != nil {
			return
		}
	}
}

// closeAtLogout closes a connection on which nothing is sent, too.
func (site *Site) closeAtLogout(ctx context.Context, conn *websocket.Conn, s *session.Session) {
	check := time.NewTicker(site.CheckEvery)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
		}
		if err := s.Check(ctx); errors.Is(err, session.ErrEnded) {
			conn.Close(websocket.StatusPolicyViolation, "please log in")
			return
		}
	}
}
