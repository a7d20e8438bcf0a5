// Package ginholdfast gives the handlers of gin sessions of Holdfast:
//
//	sessions, err := session.New(store, session.Config{})
//	...
//	router := gin.New()
//	router.Use(gin.Logger(), gin.Recovery(), ginholdfast.Sessions(sessions))
//	router.POST("/basket/:item", func(c *gin.Context) {
//		s, err := ginholdfast.Load(c)
//		if err != nil {
//			_ = c.AbortWithError(session.StatusCode(err), err)
//			return
//		}
//		basket.Update(s, func(items []string) []string { return append(items, c.Param("item")) })
//		c.Redirect(http.StatusSeeOther, "/")
//	})
//
// The rules are those of package session: changes are committed before the first byte of
// the response is sent, and before the first event of a stream. If that fails, nothing of
// the handler's response is sent: a conflict answers 409. A status of 500 or more and a
// panic commit nothing.
//
// # Errors
//
// gin has no central handler of errors. So the Manager's ErrorHandler answers a request
// whose session could not be committed: without a Config.ErrorHandler, with a short plain
// text, which is logged. The error is then the last of the Context's Errors, and the
// Context is aborted. gin's logger, used before [Sessions], sees the status that the
// visitor gets.
//
// # The writer
//
// Behind Sessions, Context.Writer is a gin.ResponseWriter of this package. As with gin's
// own, a status is only kept until the first byte, Flush or WriteHeaderNow. Then the
// session is committed with it. If there are none of these, the session is committed when
// the handlers have returned; the header is sent later, so that middleware outside can
// still add to it.
//
// Manager.Handler around the engine, as in sessions.Handler(router), gives the handlers the
// same sessions without this package. gin's logger is then inside, and sees the status that
// the visitor would have got without a conflict.
package ginholdfast
