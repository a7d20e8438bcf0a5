// Package flash is the code of docs/flash.md: messages for the next page.
package flash

import (
	"context"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// A message for the next page. It may be shown twice, or be lost, if pages load at the
// same time; none of these pages answers 409 for it.
var notice = session.NewKey[string]("notice").LastWriteWins()

func save(w http.ResponseWriter, r *http.Request, s *session.Session) {
	notice.Set(s, "saved")
	http.Redirect(w, r, "/page", http.StatusSeeOther)
}

func showPage(w http.ResponseWriter, r *http.Request, s *session.Session) {
	message, _ := notice.Pop(s)
	fmt.Fprintln(w, "page", message)
}

// A list of messages, of which each is shown once.
var notices = session.NewKey[[]string]("notices").LastWriteWins()

// addNotice leaves a message for the next page.
func addNotice(s *session.Session, message string) {
	notices.Update(s, func(all []string) []string { return append(all, message) })
}

// takeNotices returns the messages that no page has shown yet. Of parallel pages, one
// gets each message.
func takeNotices(ctx context.Context, s *session.Session) (messages []string, err error) {
	if _, ok := notices.Get(s); !ok {
		return nil, nil // most pages: no storage trip
	}
	err = s.Update(ctx, func(s *session.Session) error {
		messages, _ = notices.Pop(s)
		return nil
	})
	return messages, err
}
