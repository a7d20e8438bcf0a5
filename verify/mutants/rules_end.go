package main

var renewals = []mutant{
	without("the new record first, the tombstone second", engine,
		`	who, value, err := c.insert(next)
	if err != nil {
		return err
	}
	r := &renewal{c, who, next}
`, `	var who identity
	who.token, who.id = c.t.e.NewToken()
	value, err := c.sign(who.token, 0)
	if err != nil {
		return err
	}
	r := &renewal{c, who, next}
	t, err := r.Edit(c.d.view.base)
	if err != nil {
		return err
	}
	if out, err := c.Save(c.d.id, t, c.d.view.base.Version); err != nil {
		return err
	} else if out.Landed {
		if out, err := c.Save(who.id, next, 0); err != nil || !out.Landed {
			return err
		}
		c.t.committed(&c.d, who, next)
		c.setCookie(value, next)
		return nil
	}
	if who, value, err = c.insert(next); err != nil {
		return err
	}
	r.successor = who
`),
	without("the old record becomes a tombstone", engine,
		"\ttombstone, err := c.Change(c.d.id, c.d.view.base, r)\n\tif err != nil {\n", "\ttombstone := next\n\t_ = r\n\tif err != nil {\n"),
	without("the tombstone is a CAS", engine,
		"\ttombstone, err := c.Change(c.d.id, c.d.view.base, r)\n\tif err != nil {\n", `	tombstone, err := r.Edit(c.d.view.base)
	if err == nil {
		_, err = c.Save(c.d.id, tombstone, -1)
	}
	if err != nil {
`),
	without("the tombstone lasts 5 minutes", engine,
		"TombstoneLifetime = 5 * time.Minute", "TombstoneLifetime = 5 * time.Second"),
	without("the tombstone lasts no longer", engine,
		"TombstoneLifetime = 5 * time.Minute", "TombstoneLifetime = 5 * time.Hour"),
	without("the tombstone carries the new record's ID", engine,
		"records.Tombstone(c.d.view.base, r.successor.id, false)", "records.Tombstone(c.d.view.base, \"\", false)"),
	without("the tombstone's ID is a hash, not what the cookie holds", engine,
		"AppendEncode(named[:0], sum[:])", "AppendEncode(nil, append(sum[:0], name...))"),
	without("on conflict the new record is brought up to date", engine,
		"\tout, err := c.Save(r.successor.id, r.next, before.Version)\n", "\tout, err := records.Outcome[*records.Content]{Landed: true}, error(nil)\n"),
	without("on conflict the new record is brought up to date by CAS", engine,
		"\tout, err := c.Save(r.successor.id, r.next, before.Version)\n", "\tout, err := c.Save(r.successor.id, r.next, -1)\n"),
	without("on conflict: rebase", engine,
		"\tif err := c.rebase(current); err != nil {\n\t\treturn err\n\t}\n\tbefore := r.next\n", "\tc.t.takeSnapshot(&c.d)\n\tbefore := r.next\n"),
	without("on giving up the new record is deleted", engine,
		"\t\tc.deleteNew(who, r.next)\n", "\t\t_ = c.deleteNew\n"),
	without("Set-Cookie only after the tombstone is confirmed, a failed run's token is discarded", engine,
		"\tr := &renewal{c, who, next}\n", "\tr := &renewal{c, who, next}\n\tc.setCookie(value, next)\n"),
	without("Renew sets the cookie", engine,
		"\tc.setCookie(value, r.next)\n\tc.t.e.Owners", "\t_ = value\n\tc.t.e.Owners"),
	without("no tombstone when the request's context is cancelled", engine,
		"{c.Caller(), c.t.req.Context()}", "{c.Caller()}", "return tx.CommitResponse(p.request.Context(), route)", "return tx.CommitResponse(context.WithoutCancel(p.request.Context()), route)"),
	without("no tombstone when Save's context is cancelled", engine,
		"{c.Caller(), c.t.req.Context()}", "{c.t.req.Context()}"),
	without("no tombstone when the request's context is cancelled, whatever Save's", engine,
		"{c.Caller(), c.t.req.Context()}", "{c.Caller()}"),
	without("the lifetime restarts", engine,
		"if d.renew || d.view.base.Version == 0 {", "if d.view.base.Version == 0 {"),
	without("CreatedAt survives", engine,
		"\tc.Started = c.Seen\n", "\tc.Started, c.Created = c.Seen, c.Seen\n"),
	without("Renew of a persistent session restarts its span", engine,
		"\t\tc.Deadline = c.Seen.Add(c.Deadline.Sub(c.Started))\n", ""),
	without("Renew of a new session stores it", engine,
		"\treturn d.renew || d.view", "\treturn d.renew && d.id != \"\" || d.view"),
	without("a tombstone is served as anonymous", engine,
		"\tcase c.Tombstone:\n\t\tat := ", "\tcase false:\n\t\tat := "),
	without("a change on a tombstone is ErrEnded", engine,
		"tx.BeginOver(&m.engine, s.req, found.tombstone.ID, found.tombstone.content)", "tx.Begin(&m.engine, s.req, nil, \"\", nil)"),
	without("no forwarding to the new session", engine,
		"\t\tcase m.outlived(c):\n", "\t\tcase c.Tombstone && c.Successor != \"\":\n\t\t\their := token.Identity{Token: who.Token, ID: c.Successor}\n\t\t\tif c, err := m.records.Fetch(ctx, heir.ID); err == nil && c != nil {\n\t\t\t\tf.add(candidate{heir, c}, m.knowsFormat(c.Format))\n\t\t\t}\n\t\tcase m.outlived(c):\n"),
	without("a tombstone's cookie is not cleared", engine,
		"\t\ttx.BeginOver(", "\t\ts.req.ClearToken()\n\t\ttx.BeginOver("),
	without("Renew on a tombstone works", engine,
		"return d.renew || tombstone == nil", "return tombstone == nil"),
	without("Renew that loses to a tombstone works", engine,
		"\t\tif errors.Is(err, records.ErrTombstone) {\n\t\t\treturn c.startOver", "\t\tif errors.Is(err, records.ErrTombstone) && false {\n\t\t\treturn c.startOver"),
	without("it starts with only this request's sets: old data are never forked", engine,
		"\treturn t.rebaseLocked(empty)\n", "\tempty.Entries = d.view.base.Entries\n\treturn t.rebaseLocked(empty)\n"),
	without("it starts with this request's sets", engine,
		"\treturn t.rebaseLocked(empty)\n", "\tt.state.changes = nil\n\treturn t.rebaseLocked(empty)\n"),
	without("what was read of the old data is not carried over", engine,
		"if d.reads.nonEmpty || t.check(&fresh, empty) != nil {", "if false {"),
	without("what was read of the old data is not carried over, nor later", engine,
		"if d.reads.ended || c.t.check(d, d.view.base) != nil {", "if d.reads.ended {"),
	without("it is a new session", engine,
		"t.state.identity, t.state.began = identity{predecessor: &predecessor{id: d.id}}, true\n",
		"t.state.identity = identity{predecessor: &predecessor{id: d.id}}\n"),
	without("it is not touched by what comes after the run", engine,
		"\tst.renew = st.renew && !d.renew\n", ""),
}

// What may follow on a session that has ended.
var aftermath = []mutant{
	without("a tombstone made from outside is claimed at once", engine,
		"return c.Outside && c.Claim == \"\" || ", "return "),
	without("a tombstone is claimed once", engine,
		"return c.Outside && c.Claim == \"\" || ", "return c.Outside || "),
	without("one of parallel requests claims it: by compare-and-swap", engine,
		"\t\treturn records.Claimed(current, who.id, d.renew), nil\n", "\t\t_, err := c.Save(id, records.Claimed(current, who.id, d.renew), -1)\n\t\treturn nil, err\n"),
	without("one made by a request of the browser's own takes no change for 30 s", engine,
		"StrictWindow = 30 * time.Second", "StrictWindow = 3 * time.Second"),
	without("after 30 s it is claimed", engine,
		"StrictWindow = 30 * time.Second", "StrictWindow = 31 * time.Second"),
	without("a claim counts for 30 s from then on", engine,
		"\tnext.Claim, next.Login = id, login\n", "\tnext.Claim, next.Login, next.Seen = id, login, t.Seen\n"),
	without("a claim keeps the successor", engine,
		"next.Successor, next.Outside = true, t.Successor, t.Outside", "next.Successor, next.Outside = true, \"\", t.Outside"),
	without("who loses leaves no session", engine,
		"\tif err := c.claim(d, who); err != nil {\n\t\tc.deleteNew(who, next)\n", "\tif err := c.claim(d, who); err != nil {\n"),
	without("who has hung up claims nothing", engine,
		"\tif err := c.hungUp(); err != nil {\n\t\treturn err\n\t}\n\tid, tombstone := ", "\tid, tombstone := "),
	without("a login takes over", engine,
		"\t\tcase d.renew && !current.Login:\n", "\t\tcase false:\n"),
	without("a login ends no other login's session", engine,
		"\t\tcase d.renew && !current.Login:\n", "\t\tcase d.renew:\n"),
	without("a login ends no session that has an owner", engine,
		" || current.Tombstone || current.Owner != \"\" {", " || current.Tombstone {"),
	without("within 30 s a change that may be lost is lost", engine,
		"(errors.Is(err, records.ErrTombstone) || c.t.refusal", "(c.t.refusal != nil && d.renew || c.t.refusal"),
	without("no other change is", engine,
		"if !d.changes[i].lastWriteWins {", "if false && !d.changes[i].lastWriteWins {"),
	without("nor SetOwner", engine,
		"d.owner != nil || len(d.labels) > 0 {", "len(d.labels) > 0 {"),
	without("a Destroy that clears the cookie is the browser's own", engine,
		"\t\tOutside: c.t.req.HeaderSent,\n", "\t\tOutside: func() bool { return true },\n"),
	without("a Destroy that comes too late for the cookie is from outside", engine,
		"\t\tOutside: c.t.req.HeaderSent,\n", "\t\tOutside: func() bool { return false },\n"),
	without("a revoked session is ended from outside", engine,
		"{ return !how.inside }", "{ return false }"),
	without("a value that was read is no part of a new session", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || stored.Present", "_ = stored.Present"),
	without("nor one of a LastWriteWins key", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || stored.Present", "st.reads.nonEmpty = st.reads.nonEmpty || stored.Present && !lastWriteWins"),
	without("nor what a closure of Update was given", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || stored.Present", "st.reads.nonEmpty = st.reads.nonEmpty || stored.Present && t.closures == 0"),
	without("nor the owner", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || owner != \"\"", "_ = owner"),
	without("nor the names of the keys", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || st.view.base.Entries.Len() > 0", ""),
	without("nor what a merge was given", engine,
		"\tt.state.reads.nonEmpty = true\n", ""),
	without("nor what a closure of Session.Update has seen that was undone", engine,
		"\t\t\tt.rollback(before)\n", "\t\t\tt.rollback(before)\n\t\t\tt.mu.Lock()\n\t\t\tt.state.reads.nonEmpty = before.reads.nonEmpty\n\t\t\tt.mu.Unlock()\n"),
	without("nor what a run of Replay has seen that was discarded", engine,
		"\tt.rollback(at.state)\n\tt.forgive()\n", "\tt.rollback(at.state)\n\tt.mu.Lock()\n\tt.state.reads.nonEmpty = at.state.reads.nonEmpty\n\tt.mu.Unlock()\n\tt.forgive()\n"),
	without("nor what a run that was discarded has seen before its Destroy", engine,
		"\t\tnonEmpty = nonEmpty || b.reads.nonEmpty\n", ""),
	without("nor may it go into what follows on a Destroy", engine,
		"\t\tt.state.reads.ended = t.state.reads.ended || b.reads.ended\n", ""),
	without("however many there are of those", engine,
		"reads{ended: st.reads.ended}", "reads{}"),
	without("an absence that was read may be", engine,
		"st.reads.nonEmpty = st.reads.nonEmpty || stored.Present", "st.reads.nonEmpty = stored.Present || true"),
}

var destroys = []mutant{
	without("a CAS, not an unconditional delete", engine,
		"\t\t\ttombstone, err := a.Change(id, base, to)\n", `			tombstone, err := to.Edit(base)
			if err == nil && tombstone != nil {
				err = a.store.provider.Delete(a.Context(), id)
			}
			to.current = base
`),
	without("a CAS, not an unconditional save", engine,
		"\t\t\ttombstone, err := a.Change(id, base, to)\n", `			tombstone, err := to.Edit(base)
			if err == nil && tombstone != nil {
				_, err = a.Save(id, tombstone, -1)
			}
			to.current = base
`),
	without("under the same conflict rules", engine,
		"\tif e.how.Check != nil {\n", "\tif false {\n"),
	without("a conflict is tried again", engine,
		"\t\treturn e.how.Contended()\n\t}\n\treturn nil\n", `		if err := e.how.Contended(); err != nil {
			return err
		}
	}
	return errors.ErrUnsupported
`, "\t\t\tif !errors.Is(err, errMoved) {\n", "\t\t\tif errors.Is(err, errors.ErrUnsupported) {\n\t\t\t\treturn ended, nil\n\t\t\t}\n\t\t\tif !errors.Is(err, errMoved) {\n"),
	without("absent is success", engine,
		"\tcase len(b.popped) == 0: // the intended result\n\t\treturn nil\n", ""),
	without("absent is none if it popped something", engine,
		"\tcase len(b.popped) == 0: // the intended result\n\t\treturn nil\n", "\tcase true:\n\t\treturn nil\n"),
	without("what was popped before a Clear counts", engine,
		"\t\tst.changes = nil\n\t\tst.cleared = true\n", "\t\tst.changes, st.popped = nil, nil\n\t\tst.cleared = true\n"),
	without("absent after an unknown outcome is unknown if it popped something", engine,
		"\tcase ended.AfterUnknown:\n\t\treturn records.ErrGoneUnknown\n", ""),
	without("follows the successor", engine,
		"case base == nil || base.Tombstone && base.Successor == \"\":", "case base == nil || base.Tombstone:"),
	without("follows the chain and destroys the last", engine,
		"\tvar ended Ended\n\tfor range maxSuccessors {\n", "\tvar ended Ended\n\tfor range 3 {\n"),
	without("one that loaded a tombstone does nothing", engine,
		"cookie: st.predecessor == nil && t.req.HasToken()", "cookie: t.req.HasToken()"),
	without("an unknown or expired session's cookie is cleared", engine,
		"return &pendingDestroy{cookie: st.predecessor == nil && t.req.HasToken()}", "return &pendingDestroy{}"),
	without("without a cookie none is cleared", engine,
		"return &pendingDestroy{cookie: st.predecessor == nil && t.req.HasToken()}", "return &pendingDestroy{cookie: st.predecessor == nil}"),
	without("unknown: the cookie is kept", engine,
		"\t\tif err := c.writeTombstone(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\tif err := c.writeTombstone(b); err != nil {\n\t\t\tc.t.req.ClearToken()\n\t\t\treturn err\n\t\t}\n"),
	without("unknown: 503", engine,
		"\t\tif err := c.writeTombstone(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\t_ = c.writeTombstone(b)\n"),
	without("the cookie is cleared", engine,
		"\tif b.cookie {\n", "\tif false {\n"),
	without("what is set after Destroy starts a new session", engine,
		"\tc.t.destroyed(b)\n\treturn nil\n", "\tc.t.destroyed(b)\n\tc.t.rollback(state{view: view{base: records.NewContent(c.t.e.Format)}})\n\treturn nil\n"),
	without("the new session sees nothing of the old", engine,
		"view:      view{base: records.NewContent(t.e.Format)},\n\t\t\tpopped", "view:      view{base: cmp.Or(st.view.base, records.NewContent(t.e.Format))},\n\t\t\tpopped"),
	without("the tombstone first, then the create", engine,
		"if b := d.destroyed; b != nil {\n\t\tif err := c.destroy(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "if b := d.destroyed; b != nil {\n\t\tdefer c.destroy(b)\n"),
	without("one Set-Cookie", engine,
		"return strings.HasPrefix(line, name+\"=\")", "return false && strings.HasPrefix(line, name+\"=\")"),
	without("the new session's cookie goes before the clearing one", engine,
		"\ti.issued.Store(&issuedToken{Token{Value: value, MaxAge: age, Changed: true}, until})\n", "\ti.issued.CompareAndSwap(nil, &issuedToken{Token{Value: value, MaxAge: age, Changed: true}, until})\n"),
	without("if the create fails the clearing cookie goes out with the error", engine,
		"\trw.restoreHeader()\n\trw.req.writeToken(rw.raw.Header())\n", "\trw.restoreHeader()\n"),
}
