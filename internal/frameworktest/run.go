package frameworktest

import (
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// Run tests an app. Each test starts it anew.
func Run(t *testing.T, start Start) {
	for _, test := range []struct {
		rule string
		cfg  session.Config
		run  func(*visitor)
	}{
		{"the first cookie is kept", session.Config{}, firstCookie},
		{"a file is sent with the first cookie", session.Config{}, file},
		{"a response without a body commits", session.Config{}, empty},
		{"a request costs as many trips as under net/http", session.Config{}, trips},
		{"a page that is not found keeps the framework's response", session.Config{}, notFound},
		{"a nested use of the middleware has no effect", session.Config{}, nested},
		{"a login renews the session and a logout ends it", session.Config{}, loginLogout},
		{"Passive does not extend the session", session.Config{TouchInterval: 1}, passive},

		{"50 parallel updates lose nothing", session.Config{}, parallelUpdates},
		{"of 50 parallel writes of what was read one is saved", session.Config{}, parallelWrites},
		{"a conflict answers 409", session.Config{}, conflict},
		{"a conflict that Save returns is answered by the handler", session.Config{}, saveConflict},
		{"HandlerFunc runs again", session.Config{}, safe},
		{"Replay runs again with the body", session.Config{}, replayed},
		{"Replay answers 409 in the end", session.Config{ReplayAttempts: 3}, exhausted},

		{"an error of status 500 commits nothing", session.Config{}, serverError},
		{"an error of status 422 commits", session.Config{}, clientError},
		{"a panic commits nothing", session.Config{}, panics},
		{"a panic after Save keeps the first cookie", session.Config{}, panicAfterSave},
		{"a failed load answers 503", session.Config{}, loadFails},
		{"a failed save answers 503", session.Config{}, saveFails},

		{"a stream has the cookie and is flushed", session.Config{}, events},
		{"a stream whose session conflicts is not begun", session.Config{Isolation: session.LevelStrict}, eventsConflict},

		{"a token in the header Authorization", session.Config{Header: "Authorization"}, bearer},
		{"a token in a header alone", session.Config{Header: "X-Session-Token", HeaderOnly: true}, headerOnly},
		{"several headers stand for no session", session.Config{Header: "Authorization"}, severalHeaders},
		{"of several cookies the live one counts", session.Config{}, severalCookies},
		{"a logout ends the sessions of all cookies", session.Config{}, rivals},
	} {
		t.Run(test.rule, func(t *testing.T) { test.run(visit(t, start, test.cfg)) })
	}
	t.Run("ErrorHandler answers", func(t *testing.T) { errorHandler(t, start) })
}
