package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
	ctx := r.Context()
	alive, stop := s.Watch(ctx)
	defer stop()
	context.AfterFunc(alive, func() {
		if errors.Is(context.Cause(alive), session.ErrEnded) {
			conn.Close(websocket.StatusPolicyViolation, "please log in")
		}
	})

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
