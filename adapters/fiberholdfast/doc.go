// Package fiberholdfast gives the handlers of fiber v3 sessions of Holdfast:
//
//	sessions, err := session.New(store, session.Config{ErrorHandler: fiberholdfast.ErrorHandler})
//	...
//	app := fiber.New()
//	app.Use(logger.New(), recover.New(), fiberholdfast.Sessions(sessions))
//	app.Post("/basket/:item", func(c fiber.Ctx) error {
//		s, err := fiberholdfast.Load(c)
//		if err != nil {
//			return err
//		}
//		basket.Update(s, func(items []string) []string { return append(items, c.Params("item")) })
//		return c.Redirect().Status(fiber.StatusSeeOther).To("/")
//	})
//
// The rules are those of package session: changes are committed before the first byte of
// the response is sent. If that fails, nothing of the handler's response is sent: a
// conflict answers 409. A status of 500 or more and a panic commit nothing. Neither does
// 408, which fiber's timeout middleware answers.
//
// # Errors
//
// The Manager's ErrorHandler answers a request whose session could not be committed:
// without a Config.ErrorHandler, with a short plain text, which is logged. [ErrorHandler]
// has the app's own ErrorHandler answer. Either way fiber's logger, used before [Sessions],
// sees the status that the visitor gets.
//
// A handler may return an error of [Load], Session.Save and Session.Update: the app's
// ErrorHandler finds a [fiber.Error] in it with the status of [session.StatusCode].
//
// # Streams
//
// The session of a stream (SendStreamWriter, SetBodyStreamWriter) is committed when the
// handlers have returned, which is before the first byte. fasthttp runs the function of the
// stream in its own goroutine, and may begin before the commit. Such a function must end if
// it cannot write: that is also how it learns that the commit failed. It changes the
// session by Session.Update, as it outlives the request; other changes are dropped. Its
// context is that of the handlers, which does not end with them.
//
// # Restrictions
//
// fasthttp uses the memory of a request again. So a string of fiber's, such as that of
// Params or FormValue, must be copied (strings.Clone) before a goroutine keeps it that
// outlives the request. A value that is set in a session needs no copy.
//
// Ctx.End sends the response at once, without a new cookie and before the commit: do not
// use it after a change, or call Session.Save before. Middleware that answers while the
// handlers are still running, such as fiber's timeout, has to be inside of Sessions.
//
// Handlers of net/http in a fiber app, by fiber's adaptor, do not see the sessions of
// Sessions, but their own: adaptor.HTTPHandler(sessions.HandlerFunc(f)).
package fiberholdfast
