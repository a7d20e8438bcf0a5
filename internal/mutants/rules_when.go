package main

var versions = []mutant{
	without("a version's lower half is random", envelopes,
		"_, _ = rand.Read(tag[:])", "_ = rand.Reader"),
	without("a version's upper half counts up", envelopes,
		"(prev>>32+1)<<32", "(prev&0+1)<<32"),
	without("a version is never 0", envelopes,
		"return (prev>>32+1)<<32 | int64(", "return (prev>>32)<<32 | int64("),
	without("a retry keeps the version", sessions,
		"err := st.saveOnce(now, rec, expect)\n", `if doubts > 0 {
			rec.Version = envelope.NextVersion(rec.Version - 1<<32)
		}
		err := st.saveOnce(now, rec, expect)
`),
	without("a retry expects the same version", sessions,
		"err := st.saveOnce(now, rec, expect)\n", `expect := expect
		if doubts > 0 {
			expect = -1
		}
		err := st.saveOnce(now, rec, expect)
`),
	without("every rebase takes a new version", sessions,
		"\tfor ; ; d = c.s.draft() {\n", "\tvar version int64\n\tfor ; ; d = c.s.draft() {\n",
		"out, err := c.put(d.id, next, d.view.base)\n", `if version == 0 {
			version = next.version
		}
		next.version = version
		out, err := c.put(d.id, next, d.view.base)
`),
	without("the random half goes into the history", sessions,
		"c.Encode(prev.version, prev.History,", "c.Encode(prev.version>>32<<32, prev.History,"),
}

var commitPoints = []mutant{
	without("WriteHeader(101) commits", sessions,
		"status < 200 && status != http.StatusSwitchingProtocols", "status < 200"),
	without("WriteHeader(>= 200) commits", sessions,
		"\tif rn.begin(status) != nil {\n\t\treturn\n\t}\n", ""),
	without("Write commits", sessions,
		`func (rn *run) Write(b []byte) (int, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
`, "func (rn *run) Write(b []byte) (int, error) {\n"),
	without("WriteString commits", sessions,
		`func (rn *run) WriteString(s string) (int, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
`, "func (rn *run) WriteString(s string) (int, error) {\n"),
	without("FlushError commits", sessions,
		`func (rn *run) FlushError() error {
	if err := rn.begin(http.StatusOK); err != nil {
		return err
	}
`, "func (rn *run) FlushError() error {\n"),
	without("ReadFrom commits", sessions,
		`func (rn *run) ReadFrom(src io.Reader) (int64, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
`, "func (rn *run) ReadFrom(src io.Reader) (int64, error) {\n"),
	without("Hijack commits", sessions,
		"\tif err := rn.begin(http.StatusSwitchingProtocols); err != nil {\n\t\treturn nil, nil, err\n\t}\n", ""),
	without("the handler's return commits", sessions,
		"\t\t_ = rn.begin(http.StatusOK)\n\t\treturn\n", "\t\treturn\n"),
	without("other 1xx pass through", sessions,
		"\t\tif rn.err == nil {\n\t\t\trn.raw.WriteHeader(status)\n\t\t}\n\t\treturn\n", "\t\treturn\n"),
	without("other 1xx do not commit", sessions,
		"\t\tif rn.err == nil {\n\t\t\trn.raw.WriteHeader(status)\n\t\t}\n\t\treturn\n",
		"\t\tif rn.begin(status) == nil {\n\t\t\trn.gone()\n\t\t\trn.raw.WriteHeader(status)\n\t\t}\n\t\treturn\n"),
	without("an empty io.Copy commits, and sends no header", sessions,
		"\tif n > 0 {\n\t\trn.gone()\n\t}\n", "\trn.gone()\n"),
	without("a refused Hijack commits, and sends no header", sessions,
		"Hijack()\n\tif err != nil {\n\t\treturn nil, nil, err\n\t}\n",
		"Hijack()\n\tif err != nil {\n\t\trn.gone()\n\t\treturn nil, nil, err\n\t}\n"),
	without("a cookie pending at Hijack stays in the header map", sessions,
		"conn, buf, err := http.NewResponseController(rn.raw).Hijack()", "rn.raw.Header().Del(\"Set-Cookie\")\n\tconn, buf, err := http.NewResponseController(rn.raw).Hijack()"),
	without("a cookie pending at Hijack is logged", sessions,
		"if !rn.sent && rn.pass.cookie.Load() != nil {", "if false {"),
	without("ResponseController works through Unwrap", sessions,
		"func (rn *run) Unwrap() http.ResponseWriter", "func (rn *run) unwrap() http.ResponseWriter"),
	without("sendfile works", sessions,
		"if rf, ok := w.(io.ReaderFrom); ok {", "if rf, ok := w.(io.ReaderFrom); ok && rf == nil {"),
}

var failures = []mutant{
	without("a final status >= 500 commits nothing", sessions,
		"if status >= 500 ||", "if status >= 600 ||"),
	without("a status below 500 commits", sessions,
		"if status >= 500 ||", "if status >= 400 ||"),
	without("a panic commits nothing", sessions,
		"\t\t\trn.panicked()\n", "\t\t\trn.finish()\n"),
	without("what a status >= 500 or a panic drops is logged", sessions,
		"if s.failed == nil && !s.reported && (st.pending()", "if false && (st.pending()"),
	without("an explicit Save commits before a panic, and its cookie goes out", sessions,
		"\tif !rn.sent {\n\t\trn.pass.decorate(rn.raw.Header())\n\t}\n", ""),
	without("an explicit Save commits before a status >= 500, and its cookie goes out", sessions,
		"\trn.pass.decorate(rn.raw.Header())\n\trn.pass.leaveLane()", "\tif status < 500 {\n\t\trn.pass.decorate(rn.raw.Header())\n\t}\n\trn.pass.leaveLane()"),
	without("a failed commit goes to ErrorHandler: Handler", sessions,
		"\t\tgiveBack(r, inner) // the ErrorHandler may want to know as well\n\t\trn.answer(r)\n", ""),
	without("a failed commit goes to ErrorHandler: HandlerFunc, Replay", sessions,
		"if rn := re.runAll(w, r); rn.err != nil {", "if rn := re.runAll(w, r); false {"),
	without("ErrorHandler gets the raw writer", sessions,
		"handle(rn.raw, r, rn.err)", "handle(rn, r, rn.err)"),
	without("ErrorHandler gets a live context", sessions,
		"handle(rn.raw, r, rn.err)", "handle(rn.raw, r.WithContext(&rn.ctx), rn.err)"),
	without("ErrorHandler is called after the handler has returned", sessions,
		"\trn.err = err\n\trn.ctx.stop(err)\n", "\trn.err = err\n\trn.ctx.stop(err)\n\trn.answer(rn.pass.request)\n"),
	without("never an error followed by the page", sessions,
		"\tif rn.err != nil || rn.sent {\n\t\treturn rn.err\n\t}\n", "\tif rn.err != nil || rn.sent {\n\t\treturn nil\n\t}\n"),
	without("later 1xx are dropped", sessions,
		"\t\tif rn.err == nil {\n\t\t\trn.raw.WriteHeader(status)\n\t\t}\n", "\t\trn.raw.WriteHeader(status)\n"),
	without("the handler's context is cancelled", sessions,
		"\trn.err = err\n\trn.ctx.stop(err)\n", "\trn.err = err\n"),
	without("the cause is the commit's error", sessions,
		"\trn.err = err\n\trn.ctx.stop(err)\n", "\trn.err = err\n\trn.ctx.Done()\n\trn.ctx.stop(context.Canceled)\n"),
	without("the context is cancelled also for who asks later", sessions,
		"\tc.cause = cause\n", ""),
	without("the context has its deadline also for who asks nothing else", sessions,
		"{ return c.deadline, true }", "{ return c.Context.Deadline() }"),
	without("the context has ended at its deadline also for who does not wait", sessions,
		"c.err == nil && !time.Now().Before(c.deadline)", "c.err == nil && c.deadline.Year() == 1999"),
	without("calls share a timer: the first deadline sets it", sessions,
		"c.deadline.Before(d.next) || d.next.Before(now)", "d.next.Before(now)"),
	without("calls share a timer: where none runs, it is set", sessions,
		"c.deadline.Before(d.next) || d.next.Before(now)", "c.deadline.Before(d.next)"),
	without("calls share a timer: it is set again for those that are left", sessions,
		"\t\t\td.set(first.deadline, now)\n\t\t\tbreak\n", "\t\t\tbreak\n"),
	without("calls share a timer: not with another bubble of testing/synctest", sessions,
		"if now.Before(bubbles) {", "if now.Before(bubbles.AddDate(-99, 0, 0)) {"),
	without("the cause of a call's end is its own", sessions,
		"callContext{Context: context.WithoutCancel(parent),", "callContext{Context: parent,"),
	without("a call that is over waits for no deadline", sessions,
		"\tc.waiting.remove(c)\n", ""),
	without("what is derived from a call's context ends with it", sessions,
		"\tfor _, f := range c.after {\n\t\tgo (*f)()\n\t}\n", ""),
	without("a sooner deadline of the caller's counts", sessions,
		"return earlier(deadline, sooner)", "_ = sooner"),
	without("the header map is put back: what the handler added goes", sessions,
		"\tclear(h)\n", ""),
	without("the header map is put back: what was there stays", sessions,
		"\tmaps.Copy(h, rn.entry)\n",
		"\tmaps.Copy(h, http.Header{})\n"),
	without("a 409 of the handler's own, after a Save that failed, passes", sessions,
		" || status >= 400 && s.hasReported()", ""),
	without("after a Save that failed no other status passes", sessions,
		"status >= 400 && s.hasReported()", "s.hasReported()"),
	without("ErrConflict is 409", sessions, "case errors.Is(err, ErrConflict), errors.Is(err, ErrGone), errors", "case errors.Is(err, ErrGone), errors"),
	without("ErrGone is 409", sessions, "case errors.Is(err, ErrConflict), errors.Is(err, ErrGone), errors", "case errors.Is(err, ErrConflict), errors"),
	without("ErrUnavailable is 503", sessions,
		"case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable):\n\t\treturn http",
		"case errors.Is(err, ErrUnreadable):\n\t\treturn http"),
	without("ErrUnreadable is 503", sessions,
		"case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable):\n\t\treturn http",
		"case errors.Is(err, ErrUnavailable):\n\t\treturn http"),
	without("ErrOutcomeUnknown wraps ErrUnavailable", sessions,
		"ErrOutcomeUnknown = fmt.Errorf(\"%w: it is", "ErrOutcomeUnknown = fmt.Errorf(\"%v: it is"),
	without("ErrConflict names the key", sessions,
		"ErrConflict, key, what)", "ErrConflict, \"\", what)"),
	without("ErrConflict names the remedy", sessions,
		"; change it by Key.Update, or run the handler in Manager.Replay", ""),
}

var afterwards = []mutant{
	without("changes after the headers are committed at the return", sessions,
		"if err := rn.pass.commit(0); err != nil {", "if err := error(nil); err != nil {"),
	without("a conflict after the headers is logged", sessions,
		"\t\trn.pass.m.cfg.Logger.Error(\"session: changes made after the response began are lost\",\n", "\t\trn.pass.m.cfg.Logger.Debug(\"\",\n"),
	without("what needs a cookie is not committed after the headers", sessions,
		"\tif c.s.pass.sent.Load() {\n", "\tif false {\n"),
	without("the client hanging up does not cancel a commit", sessions,
		"\t\tc.finish(context.DeadlineExceeded)\n\t}\n\treturn c.err\n", "\t\tc.finish(context.DeadlineExceeded)\n\t}\n\tif c.err == nil {\n\t\treturn c.Context.Err()\n\t}\n\treturn c.err\n",
		"callContext{Context: context.WithoutCancel(parent),", "callContext{Context: parent,"),
	without("the client hanging up does not cancel what a store waits for", sessions,
		"\tc.make()\n\treturn c.done\n", "\tif done := c.Context.Done(); done != nil {\n\t\treturn done\n\t}\n\tc.make()\n\treturn c.done\n",
		"callContext{Context: context.WithoutCancel(parent),", "callContext{Context: parent,"),
	without("the client hanging up does not cancel the wait for others", sessions,
		"{ return context.WithoutCancel(st.asks) }", "{ return st.asks }"),
	without("a save extends as a touch does", sessions,
		"\ts.touched = true // a save extends as well\n", ""),
	without("StoreTimeout bounds a commit", sessions,
		"now.Add(st.m.cfg.StoreTimeout)", "now.Add(100 * st.m.cfg.StoreTimeout)"),
	without("StoreTimeout bounds a load", sessions,
		"time.Now().Add(p.m.cfg.StoreTimeout)", "time.Now().Add(1000*p.m.cfg.StoreTimeout)"),
	without("a single save gets at most half of StoreTimeout", sessions,
		"ctx, call := st.halfway(now)\n", "ctx, call := st.m.until(st.asks, st.until)\n"),
	without("Pattern is copied back", sessions,
		"\tr.Pattern = inner.Pattern\n", ""),
	without("MultipartForm is copied back", sessions,
		"\t\tr.MultipartForm = inner.MultipartForm\n", ""),
}
