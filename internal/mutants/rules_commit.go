package main

// The packages that have rules.
const (
	sessions  = "session"
	envelopes = "session/internal/envelope"
	keyrings  = "session/internal/keyring"
	lanes     = "session/internal/lane"
	memory    = "provider/memory"
	sealing   = "provider/sealed"
	providers = "provider"
	paging    = "provider/internal/paging"
)

var sections = []section{
	{"Versions", versions},
	{"When: commit points", commitPoints},
	{"When: failed handlers and failed commits", failures},
	{"When: after the headers, time, the request's copy", afterwards},
	{"What was read", whatWasRead},
	{"Commit of a change", commits},
	{"Isolation levels", levels},
	{"Conflict, queue and unknown outcome", outcomes},
	{"Session.Update", updates},
	{"Create", creates},
	{"Replay", replays},
	{"Renew", renewals},
	{"Destroy", destroys},
	{"Sessions and keys (DESIGN.md, 4)", keys},
	{"Costs and time (DESIGN.md, 4)", times},
	{"Payload (DESIGN.md, 4)", payloads},
	{"Cookie (DESIGN.md, 5)", cookies},
	{"Signing keys (DESIGN.md, 5)", signingKeys},
	{"Owners, Sessions and revocation", owners},
	{"Outside of a request", outsides},
	{"Memory provider (DESIGN.md, 3)", stores},
	{"Sealing provider", seals},
	{"Limits of NIST SP 800-63B-4 (docs/security.md)", presets},
	{"Cookies (docs/security.md)", cookieRules},
	{"Bombs (docs/security.md)", bombs},
	{"Secrets (docs/security.md)", secrets},
	{"Logs and errors (docs/security.md)", leaks},
	{"Listing (provider.Lister)", listing},
}

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
		"\tif !rn.sent {\n\t\t_ = rn.begin(http.StatusOK)\n\t\treturn\n\t}\n", "\tif !rn.sent {\n\t\treturn\n\t}\n"),
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
		"\trn.pass.decorate(rn.raw.Header())\n\treturn nil\n", "\tif status < 500 {\n\t\trn.pass.decorate(rn.raw.Header())\n\t}\n\treturn nil\n"),
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
		"\treturn c.deadline, true\n", "\treturn c.Context.Deadline()\n"),
	without("the context has ended at its deadline also for who does not wait", sessions,
		"return !c.deadline.IsZero() && !time.Now().Before(c.deadline)", "return c.deadline.Year() == 1999"),
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
		"ctx: context.WithoutCancel(ctx), turn: turn}", "ctx: ctx, turn: turn}"),
	without("StoreTimeout bounds a commit", sessions,
		"now.Add(st.m.cfg.StoreTimeout)", "now.Add(100 * st.m.cfg.StoreTimeout)"),
	without("StoreTimeout bounds a load", sessions,
		"time.Now().Add(p.m.cfg.StoreTimeout)", "time.Now().Add(1000*p.m.cfg.StoreTimeout)"),
	without("a single save gets at most half of StoreTimeout", sessions,
		"ctx, bounded := st.halfway(now)\n", "ctx, bounded := st.m.until(st.ctx, st.until)\n"),
	without("Pattern is copied back", sessions,
		"\tr.Pattern = inner.Pattern\n", ""),
	without("MultipartForm is copied back", sessions,
		"\t\tr.MultipartForm = inner.MultipartForm\n", ""),
}

var whatWasRead = []mutant{
	without("Get is a read", sessions,
		"if fromBase && !blind {", "if fromBase && !blind && s.closures > 0 {"),
	without("an absent key is a read", sessions,
		"if fromBase && !blind {", "if fromBase && !blind && c.present {"),
	without("Keys is a read", sessions,
		"if st := &s.state; !st.view.cleared {", "if st := &s.state; false {"),
	without("a read is of the value: another version with the same is none", sessions,
		"if r.equal(theirs) || c.merges",
		"if c.merges"),
	without("a read is of the value: another version with the same is none, at LevelSerializable", sessions,
		" && pick(r) && !r.equal(now.cell(key))", " && pick(r)"),
	without("a listing is of the names: another version with the same is none", sessions,
		" && !slices.Equal(rs.listed.names, names(&now.Entries))", ""),
	without("Get after Update is a read of the base", sessions,
		"return own.cell, own.derived", "return own.cell, false",
		"own != nil && own.updated && s.closures == 0 {", "own != nil && false {"),
	without("the first sight of a key counts", sessions,
		"\tif old := rs.keys.find(key); old != nil {\n", "\tif old := rs.keys.find(key); old != nil && false {\n"),
	without("reads survive Save", sessions,
		"\tst.reads.settle(d.work, next)\n",
		"\tst.reads = reads{}\n"),
	without("reads survive Session.Update", sessions,
		"\treturn s.rebase(newest)\n}\n\n// newest", "\ts.mu.Lock()\n\ts.state.reads = reads{}\n\ts.mu.Unlock()\n\treturn s.rebase(newest)\n}\n\n// newest"),
	without("reads are validated also when the CAS itself would succeed", sessions,
		"\t\tif err := c.s.check(d, d.view.base); err != nil {\n\t\t\treturn err\n\t\t}\n\t\tif !d.needed() { //", "\t\tif !d.needed() { //"),
	without("reads are validated also when the CAS itself would succeed: Renew", sessions,
		"\tif err := c.s.check(d, d.view.base); err != nil {\n\t\treturn err\n\t}\n\tnext := c.content(d, nil)", "\tnext := c.content(d, nil)"),
	without("reads are validated also when there is nothing to save any more", sessions,
		"\tif len(d.changes) == 0 && !d.cleared && d.owner == nil {\n", "\tif true {\n"),
	without("both sides writing the same value is a change for one that read the old", sessions,
		"if r.equal(theirs) || c.merges",
		"if r.equal(theirs) || theirs.equal(c.told()) || c.merges"),
	without("what the request wrote itself is no news to it", sessions,
		"r.cell, r.from, r.torn = told, nil, false\n",
		"r.torn = false\n"),
	without("what the request cleared itself is no news to it", sessions,
		"\t\t\t*r = read{from: landed, soft: r.soft}\n",
		"\t\t\t_ = r\n"),
	without("what a rebase has made of what the request wrote is news to it", sessions,
		"r.cell, r.from, r.torn = told, nil, false\n",
		"r.cell, r.from, r.torn = landed.cell(c.key), landed, false\n"),
	without("keys that the request added itself are no news to its listing", sessions,
		"\tcase present && !found:\n",
		"\tcase present && !found && false:\n"),
	without("keys that the request removed itself are no news to its listing", sessions,
		"\tcase !present && found:\n",
		"\tcase !present && found && false:\n"),
	without("keys that the request cleared itself are no news to its listing", sessions,
		"\t\trs.relist(nil)\n",
		""),
	without("a lone Update's own read counts for nothing", sessions,
		"st.reads.note(key, stored, st.view.base, s.closures > 0)", "st.reads.note(key, stored, st.view.base, false)"),
	without("a listing in an Update's closure counts for nothing by itself", sessions,
		"st.reads.noteListing(st.view.base, s.closures > 0)", "st.reads.noteListing(st.view.base, false)"),
	without("an Update's reads count once a Set could depend on them", sessions,
		"\tst.reads.harden()\n\town, err",
		"\town, err"),
	without("an Update's reads count once its result is read", sessions,
		"own != nil && own.updated && s.closures == 0 {", "own != nil && false {"),
	without("an Update's reads are one's own: not once another Update reads its result", sessions,
		"own != nil && own.updated && s.closures == 0 {",
		"own != nil && own.updated {"),
	without("an Update's reads count once an Update could depend on them", sessions,
		"\ts.state.reads.harden()\n\tfor", "\tfor"),
	without("an Update's reads count once Clear could depend on them", sessions,
		"\t\tst.reads.harden()\n\t\ts.epoch++\n\t\tst.changes = nil", "\t\ts.epoch++\n\t\tst.changes = nil"),
	without("an Update's reads count once Renew could depend on them", sessions,
		"\t\tst.reads.harden()\n\t\tst.renew = true", "\t\tst.renew = true"),
	without("an Update's reads count once Destroy could depend on them", sessions,
		"\t\tst.reads.harden()\n\t\ts.epoch++\n\t\t*st = state{", "\t\ts.epoch++\n\t\t*st = state{"),
	without("an Update's reads count once Persist could depend on them", sessions,
		"\t\tst.reads.harden()\n\t\tst.persist = &d", "\t\tst.persist = &d"),
	without("a listing in an Update's closure counts once a change could depend on it", sessions,
		"\tif rs.listed != nil {\n\t\trs.listed = &listing{rs.listed.names, false}\n\t}\n}\n\n// settle",
		"}\n\n// settle"),
	without("a listing in an Update's closure does not count before", sessions,
		"return rs.listed != nil && !rs.listed.soft &&",
		"return rs.listed != nil &&"),
	without("a read after an Update's counts", sessions,
		"old.soft = old.soft && soft\n",
		"_ = soft\n"),
	without("a listing after an Update's counts", sessions,
		"\tif rs.listed.soft && !soft {\n", "\tif false {\n"),
}

var commits = []mutant{
	without("sets equal to the base's bytes: no save", sessions,
		"return d.renew || d.view.changed() ||", "return d.renew || len(d.changes) > 0 || d.view.changed() ||"),
	without("a Clear of what is empty: no save", sessions,
		"if v.cleared && v.base.Entries.Len() > 0 {", "if v.cleared {\n\t\treturn true\n\t}\n\tif v.cleared && v.base.Entries.Len() > 0 {"),
	without("a Clear and the same sets again: no save", sessions,
		"return !v.entries().Equal(&v.base.Entries)", "return true"),
	without("an equal set is applied all the same if something else has changed", sessions,
		"\tst.changes = append(st.changes, c)\n\tst.view.put", `	if c.verb != verbSet || !st.view.base.cell(c.key).equal(cell{c.value, true}) {
		st.changes = append(st.changes, c)
	}
	st.view.put`),
	without("an equal set is applied all the same at a rebase", sessions,
		"\tst.view = view{base: now}\n\tif st.cleared {", `	st.changes = slices.DeleteFunc(slices.Clone(st.changes), func(c change) bool {
		return c.verb == verbSet && st.view.base.cell(c.key).equal(cell{c.value, true})
	})
	st.view = view{base: now}
	if st.cleared {`, "package session\n\n// rebase applies", "package session\n\nimport \"slices\"\n\n// rebase applies"),
	without("Clear removes keys added meanwhile", sessions,
		"\t\tst.cleared = true\n\t\tst.view.clear()\n", `		for _, key := range st.view.keys() {
			s.apply(change{verb: verbDelete, key: key})
		}
`),
	without("a Clear is done again at a rebase", sessions,
		"\tif st.cleared {\n\t\tst.view.clear()\n\t}\n\tfor i", "\tfor i"),
	without("changes are rebased in order", sessions,
		"c := st.changes[i]\n\t\town",
		"c := st.changes[len(st.changes)-1-i]\n\t\town"),
	without("conflict: a record with our version has landed", envelopes,
		"\tif version == commit {\n\t\treturn Ancestor\n\t}\n", ""),
	without("conflict: a record with our version in its history has landed", envelopes,
		"\tif binary.BigEndian.Uint32(h[at:]) == uint32(commit) {\n\t\treturn Ancestor\n\t}\n", ""),
	without("conflict: a tombstone has a history, too", sessions,
		"case lineage == envelope.Ancestor:", "case lineage == envelope.Ancestor && !current.Tombstone:"),
	without("a tombstone carries the history of the record", sessions,
		"\tt.Tombstone, t.Successor = true, successor\n", "\tt.Tombstone, t.Successor = true, successor\n\tt.History = nil\n"),
	without("absent: a change is ErrGone, never re-created", sessions,
		"\tif err := c.mayFollow(d, out.current); err != nil {\n\t\treturn err\n\t}\n\tcurrent :=", `	if out.current == nil {
		again := *d.view.base
		again.version = 0
		return c.s.rebase(&again)
	}
	if err := c.mayFollow(d, out.current); err != nil {
		return err
	}
	current :=`),
	without("a tombstone: a change is ErrGone", sessions,
		"\tcase current.Tombstone:\n\t\treturn errTombstone\n\tcase c.mode", "\tcase c.mode"),
	without("absent or a tombstone: a touch ends quietly", sessions,
		"case !errors.Is(err, provider.ErrVersionConflict):\n\t\tc.m",
		"case err != nil || errors.Is(err, provider.ErrVersionConflict):\n\t\tc.m"),
	without("absent after an unknown outcome is ErrOutcomeUnknown", sessions,
		"\tif out.current == nil && out.doubted {\n", "\tif false {\n"),
}

var levels = []mutant{
	without("LevelMerge: a key read and set that has changed conflicts", sessions,
		"if c.verb == verbUpdate || c.blind {", "if c.verb == verbUpdate || c.verb == verbSet || c.blind {"),
	without("LevelMerge: a key read and popped that has changed conflicts", sessions,
		"if c.verb == verbUpdate || c.blind {", "if c.verb == verbUpdate || c.verb == verbPop || c.blind {"),
	without("LevelMerge: a key read and deleted that has changed conflicts", sessions,
		"if c.verb == verbUpdate || c.blind {", "if c.verb == verbUpdate || c.verb == verbDelete || c.blind {"),
	without("LevelMerge: a key read and cleared that has changed conflicts", sessions,
		"\tif w.cleared {\n\t\tif key, stale", "\tif false {\n\t\tif key, stale"),
	without("LevelMerge: a key set without a read does not conflict", sessions,
		"\t\tif r == nil || r.from == now {\n", "\t\tif r == nil {\n\t\t\tr = &read{cell: w.base.cell(c.key)}\n\t\t}\n\t\tif r.from == now {\n"),
	without("LevelMerge: a key read and not changed does not conflict", sessions,
		"if l >= LevelSerializable {", "if l >= LevelMerge {"),
	without("LevelMerge: an Update does not conflict", sessions,
		"if c.verb == verbUpdate || c.blind {", "if c.blind {"),
	without("LevelMerge is the default", sessions,
		"\tLevelMerge Isolation = iota\n", "\tLevelMerge Isolation = 1 - iota\n"),
	without("LevelSerializable: a key it read that has changed conflicts", sessions,
		"if key, stale := w.reads.stale(now, hard); stale {", "if key, stale := w.reads.stale(now, hard); stale && false {"),
	without("LevelSerializable: a key set it listed that has changed conflicts", sessions,
		"if w.reads.listingStale(now) {\n\t\t\treturn conflict(\"this", "if false {\n\t\t\treturn conflict(\"this"),
	without("LevelSerializable: Renew counts as a change", sessions,
		"\tif err := c.s.check(d, d.view.base); err != nil {\n\t\treturn err\n\t}\n\tnext := c.content(d, nil)",
		"\tif len(d.changes) > 0 {\n\t\tif err := c.s.check(d, d.view.base); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tnext := c.content(d, nil)",
		"\treturn c.s.check(d, current)\n", "\tif len(d.changes) == 0 {\n\t\treturn nil\n\t}\n\treturn c.s.check(d, current)\n"),
	without("LevelSerializable: Destroy counts as a change", sessions,
		"\tif err := c.m.cfg.Isolation.check(b.work(), target); err != nil {\n", "\tif err := LevelMerge.check(b.work(), target); err != nil {\n"),
	without("LevelStrict: any key that has changed conflicts", sessions,
		"if l == LevelStrict && w.base != now", "if false && w.base != now"),
	without("LevelStrict: a touch is no change", sessions,
		" && !w.base.Entries.Equal(&now.Entries)",
		" && (w.base.version != now.version || !w.base.Entries.Equal(&now.Entries))"),
	without("LevelStrict keeps LevelSerializable's rule", sessions,
		"if l >= LevelSerializable {", "if l == LevelSerializable {"),
	without("MergeWith exempts its key from conflicts", sessions,
		"return c.merge != nil && c.verb == verbSet && theirs.present", "return false"),
	without("MergeWith merges", sessions,
		"if !theirs.present || theirs.equal(c.merge.base) {", "if true {"),
	without("MergeWith does not exempt where the other side deleted", sessions,
		"return c.merge != nil && c.verb == verbSet && theirs.present", "return c.merge != nil && c.verb == verbSet"),
	without("MergeWith does not exempt where this side deleted", sessions,
		"\tfor i := range w.changes {\n\t\tc := &w.changes[i]\n\t\tif c.verb", `	merging := map[string]bool{}
	for i := range w.changes {
		c := &w.changes[i]
		if c.merge != nil {
			merging[c.key] = true
		}
		if merging[c.key] {
			continue
		}
		if c.verb`),
	without("MergeWith does not exempt from LevelSerializable", sessions,
		"w.reads.stale(now, hard)", `w.reads.stale(now, func(r *read) bool {
			for i := range w.changes {
				if c := &w.changes[i]; c.merge != nil && w.reads.keys.find(c.key) == r {
					return false
				}
			}
			return hard(r)
		})`),
	without("MergeWith's base is the value first loaded", sessions,
		"\tif r := s.state.reads.keys.find(key); r != nil {\n\t\treturn r.cell\n\t}\n", ""),
	without("MergeWith's base stays over several sets", sessions,
		"if c.key == key && c.merge != nil {\n\t\t\treturn c.merge.base", "if c.key == key && c.merge != nil {\n\t\t\treturn cell{c.value, true}"),
	without("LastWriteWins: reads do not count", sessions,
		"if fromBase && !blind {", "if fromBase {",
		"if c.verb == verbUpdate || c.blind {", "if c.verb == verbUpdate {"),
	without("LastWriteWins: reads do not count at LevelSerializable", sessions,
		"if fromBase && !blind {", "if fromBase {"),
	without("Update's closure runs without the lock", sessions,
		"\ts.mu.Unlock()\n\tdefer func() {\n\t\ts.mu.Lock()\n\t\ts.closures--\n\t}()\n", "\tdefer func() { s.closures-- }()\n"),
	without("Update is applied again to the newest value", sessions,
		"\t\treturn s.runUpdate(c.key, c.blind, c.update)\n",
		"\t\treturn ownCell{cell: cell{c.value, true}, updated: true}, nil\n"),
	without("Update's closure reads the state being rebased on", sessions,
		"\tst.view = view{base: now}\n\tif st.cleared",
		"\tseen := st.view\n\tst.view = view{base: now}\n\tif st.cleared",
		"\t\town, err := s.reapply(c)\n\t\tif err != nil {\n\t\t\tst.encoding",
		"\t\tbuilt := st.view\n\t\tif c.verb == verbUpdate {\n\t\t\tst.view = view{base: &content{codec: now.codec, Envelope: seen.base.Envelope}}\n\t\t\tst.view.put(c.key, ownCell{cell: now.cell(c.key), derived: true})\n\t\t}\n\t\town, err := s.reapply(c)\n\t\tst.view = built\n\t\tif err != nil {\n\t\t\tst.encoding"),
	without("what an Update's closure reads of other keys is recorded", sessions,
		"if fromBase && !blind {", "if fromBase && !blind && s.closures == 0 {"),
	without("Update on a key deleted meanwhile gets zero", sessions,
		"\t\treturn s.runUpdate(c.key, c.blind, c.update)\n",
		"\t\tif old, _ := s.state.view.cell(c.key); !old.present {\n\t\t\treturn ownCell{cell: cell{c.value, true}}, nil\n\t\t}\n\t\treturn s.runUpdate(c.key, c.blind, c.update)\n"),
	without("Update runs again if another goroutine has changed the key", sessions,
		"if now, _ := s.state.view.cell(key); !now.equal(old) {", "if now, _ := s.state.view.cell(key); !now.equal(old) && false {"),
}

var outcomes = []mutant{
	without("after its first conflict a request queues", sessions,
		"if st.turn != nil || st.lined {", "if true {"),
	without("who has waited reads anew", sessions,
		"\treturn waited\n", "\treturn false && waited\n"),
	without("the wait is not at the expense of StoreTimeout", sessions,
		"lane.Enter(ctx, id)\n\tst.restart()\n", "lane.Enter(ctx, id)\n"),
	without("first in, first out", lanes,
		"close(lane[0].ready)", "lane[0], lane[len(lane)-1] = lane[len(lane)-1], lane[0]\n\t\tclose(lane[0].ready)"),
	without("the queue is of one record", lanes,
		"t = &Turn{key: key,", "key = \"\"\n\tt = &Turn{key: key,"),
	without("who waits too long goes ahead", lanes,
		"\tcase <-ctx.Done():\n\t\tt.Leave()\n\t\treturn nil, true\n", ""),
	without("the place is held through a re-run", sessions,
		"\tif !again {\n\t\tc.turn.Leave()",
		"\tif true {\n\t\tc.turn.Leave()",
		"\ts.enterLane(ctx, at.state.id)\n",
		""),
	without("the place is held through the read-back", sessions,
		"\t\tcurrent, readErr := st.standing(id, err)", "\t\tst.turn.Leave()\n\t\tst.turn = nil\n\t\tcurrent, readErr := st.standing(id, err)"),
	without("the place is given up at the end", sessions,
		"\tif !again {\n\t\tc.turn.Leave()", "\tif false {\n\t\tc.turn.Leave()"),
	without("rebasing is bounded", sessions,
		"return !now.Before(st.until) }", "return false }"),
	without("an unknown outcome is read back", sessions,
		"\t\tcurrent, readErr := st.standing(id, err)", "\t\tif doubts > 0 {\n\t\t\treturn outcome{}, unsettled(doubts, err)\n\t\t}\n\t\tcurrent, readErr := st.standing(id, err)"),
	without("an unknown outcome that left no trace is sent again", sessions,
		"doubts >= maxDoubts ||", "true ||"),
	without("sending again is bounded", sessions,
		"doubts >= maxDoubts ||", ""),
	without("the record as it was before does not settle an unknown outcome", sessions,
		"return outcome{current: current, doubted: doubted}, current.version != expect", "return outcome{current: current, doubted: doubted}, true"),
	without("a failed read-back is repeated", sessions,
		"|| try >= maxDoubts ||", "|| true ||"),
	without("a failed read-back leaves the outcome unknown", sessions,
		"\t\tif readErr != nil {\n\t\t\treturn outcome{}, unsettled(doubts,", "\t\tif readErr != nil {\n\t\t\treturn outcome{}, unsettled(0,"),
	without("history decides only while it reaches back", sessions,
		"case lineage == envelope.OutOfReach && doubted:", "case false:"),
	without("beyond the history nothing is decided", envelopes,
		"return OutOfReach", "return NotAncestor"),
	without("the history has 64 versions", envelopes,
		"const HistoryLimit = 64", "const HistoryLimit = 16"),
	without("the history has no more than 64 versions", envelopes,
		"h = h[:min(len(h), (HistoryLimit-1)*tagSize)]\n", ""),
	without("what the provider refuses is no unknown outcome", sessions,
		"case doubts == 0 && refused(err):", "case false:"),
	without("what the provider refuses after an unknown outcome does not settle it", sessions,
		"case doubts == 0 && refused(err):", "case refused(err):"),
	without("the winner that a conflict brings along is not fetched", sessions,
		"if errors.As(err, &conflict) {", "if errors.As(err, &conflict) && false {"),
	without("a conflict is sticky", sessions,
		"errors.Is(err, ErrConflict) || errors.Is(err, ErrGone) || errors.Is(err, ErrOutcomeUnknown))", "errors.Is(err, ErrGone) || errors.Is(err, ErrOutcomeUnknown))"),
	without("gone is sticky", sessions,
		"errors.Is(err, ErrConflict) || errors.Is(err, ErrGone) || errors.Is(err, ErrOutcomeUnknown))", "errors.Is(err, ErrConflict) || errors.Is(err, ErrOutcomeUnknown))"),
	without("an unknown outcome is sticky", sessions,
		"errors.Is(err, ErrConflict) || errors.Is(err, ErrGone) || errors.Is(err, ErrOutcomeUnknown))", "errors.Is(err, ErrConflict) || errors.Is(err, ErrGone))"),
	without("an outage at Save is not sticky", sessions,
		"errors.Is(err, ErrConflict) || errors.Is(err, ErrGone) || errors.Is(err, ErrOutcomeUnknown))", "true)"),
	without("sticky errors stop Session.Update", sessions,
		"startOver bool) error {\n\tif _, err := s.footing(); err != nil {\n\t\treturn err\n\t}\n", "startOver bool) error {\n"),
}

var updates = []mutant{
	without("refreshes to the newest record", sessions,
		"\tif err := s.refresh(ctx, startOver); err != nil {", "\tif err := s.refresh(ctx, startOver); err != nil && startOver {",
		"\tnewest, err := s.newest(ctx, d.id)\n\tif errors", "\tif !startOver {\n\t\treturn nil\n\t}\n\tnewest, err := s.newest(ctx, d.id)\n\tif errors"),
	without("keeps pending changes", sessions,
		"\treturn s.rebase(newest)\n}\n\n// newest", "\ts.mu.Lock()\n\ts.state.changes = nil\n\ts.mu.Unlock()\n\treturn s.rebase(newest)\n}\n\n// newest"),
	without("runs fn again on any concurrent change", sessions,
		"\tcase c.mode == updating:\n\t\treturn errRerun\n\tcase c.exhausted(c.now()):", "\tcase c.exhausted(c.now()):"),
	without("undoes fn's changes before it runs again", sessions,
		"undo = errors.Is(err, errRerun)", "undo = false"),
	without("undoes fn's changes when fn fails", sessions,
		"\terr := s.run(fn)\n\tif err != nil {\n", "\terr := s.run(fn)\n\tif err != nil {\n\t\tundo = false\n"),
	without("saves nothing when fn fails", sessions,
		"\terr := s.run(fn)\n\tif err != nil {\n\t\treturn err\n\t}\n", "\terr := s.run(fn)\n\tif err != nil {\n\t\t_ = s.commitNow(ctx, updating)\n\t\tundo = false\n\t\treturn err\n\t}\n"),
	without("returns fn's error", sessions,
		"\terr := s.run(fn)\n\tif err != nil {\n\t\treturn err\n\t}\n", "\terr := s.run(fn)\n\tif err != nil {\n\t\treturn nil\n\t}\n"),
	without("runs fn again is bounded", sessions,
		"\tfor n := range maxReruns {\n", "\tfor n := 0; ; n++ {\n",
		"\treturn fmt.Errorf(\"%w: others were first %d times\", ErrUnavailable, maxReruns)\n}\n", "}\n\nvar _ = fmt.Errorf\n"),
	without("runs fn again when it destroys", sessions,
		"\tcase c.mode == updating && !c.s.inherited(b):\n\t\treturn out, errRerun\n", ""),
	without("works after the request", sessions,
		"if !s.ended || s.updating {", "if !s.ended {"),
	without("of a session that is gone is ErrGone", sessions,
		"\tif err := s.m.standing(found); err != nil {\n", "\tif found == nil || s.m.expired(found) {\n\t\treturn s.m.freshContent(), nil\n\t}\n\tif err := s.m.standing(found); err != nil {\n"),
	without("of a session that was destroyed is ErrGone", sessions,
		"\tif err := s.m.standing(found); err != nil {\n", "\tif err := s.m.standing(found); err != nil && !errors.Is(err, errTombstone) {\n"),
	without("with a Renew starts over on a tombstone", sessions,
		"if errors.Is(err, errTombstone) && (d.renew || startOver) {", "if false {"),
}

var creates = []mutant{
	without("a create of unknown outcome that reads back absent is retried", sessions,
		"\tfor range maxDoubts {\n\t\twho", "\tfor range 1 {\n\t\twho"),
	without("under a new token and ID", sessions,
		"\tfor range maxDoubts {\n\t\twho := c.m.cookies.identity(newToken())\n", "\twho := c.m.cookies.identity(newToken())\n\tfor range maxDoubts {\n"),
	without("a create sets the cookie", sessions,
		"\tc.s.landed(d, who, next)\n\tc.setCookie(value, next)\n\treturn nil\n}\n\n// insert", "\tc.s.landed(d, who, next)\n\t_ = value\n\treturn nil\n}\n\n// insert"),
	without("a create that fails sets no cookie", sessions,
		"\twho, value, err := c.insert(next)\n\tif err != nil {\n\t\treturn err\n\t}\n\tc.s.landed", "\twho, value, err := c.insert(next)\n\tif err != nil {\n\t\tif value != \"\" {\n\t\t\tc.setCookie(value, next)\n\t\t}\n\t\treturn err\n\t}\n\tc.s.landed"),
	without("a new session without a change is not stored", sessions,
		"\tif !d.needed() {\n\t\tif err := c.idle(d)", "\tif d.id != \"\" && !d.needed() {\n\t\tif err := c.idle(d)", "func (s *Session) idle() bool {\n", "func (s *Session) idle() bool {\n\tif s.state.id == \"\" {\n\t\treturn false\n\t}\n"),
}
