package shop

import (
	"context"

	"github.com/holdfast-go/holdfast/session"
)

var flashes = session.NewKey[[]string]("flashes").LastWriteWins()

// Flash leaves a message for the next page.
func Flash(s *session.Session, message string) {
	flashes.Update(s, func(all []string) []string { return append(all, message) })
}

// takeFlashes returns the messages that no page has shown yet. Of parallel pages, one gets
// each message.
func takeFlashes(ctx context.Context, s *session.Session) (messages []string, err error) {
	if _, ok := flashes.Get(s); !ok {
		return nil, nil
	}
	err = s.Update(ctx, func(s *session.Session) error {
		messages, _ = flashes.Pop(s)
		return nil
	})
	return messages, err
}
