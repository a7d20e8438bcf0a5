// Package echoholdfast gives the handlers of echo v5 sessions of Holdfast:
//
//	sessions, err := session.New(store, session.Config{ErrorHandler: echoholdfast.ErrorHandler})
//	...
//	e := echo.New()
//	e.Use(middleware.RequestLogger(), middleware.Recover(), echoholdfast.Sessions(sessions))
//	e.POST("/basket/:item", func(c *echo.Context) error {
//		s, err := echoholdfast.Load(c)
//		if err != nil {
//			return err
//		}
//		basket.Update(s, func(items []string) []string { return append(items, c.Param("item")) })
//		return c.Redirect(http.StatusSeeOther, "/")
//	})
//
// The rules are those of package session: changes are committed before the first byte of
// the response is sent, and before the first event of a stream. If that fails, nothing of
// the handler's response is sent: a conflict answers 409. A status of 500 or more and a
// panic commit nothing.
//
// # Errors
//
// The Manager's ErrorHandler answers a request whose session could not be committed:
// without a Config.ErrorHandler, with a short plain text, which is logged. [ErrorHandler]
// has Echo.HTTPErrorHandler answer. Either way the middleware around [Sessions] gets the
// error, and RequestLogger sees the status that the visitor gets.
//
// A handler may return an error of [Load], Session.Save and Session.Update: Sessions gives
// it the status of [session.StatusCode].
//
// # Instead of echo.WrapMiddleware
//
// echo.WrapMiddleware(sessions.Handler) is not enough. echo answers an error that a handler
// returns when all middleware has returned, so the session of a request that ends with
// status 500 would be committed. After a conflict, a logger would see the status that the
// visitor would have got without it.
package echoholdfast
