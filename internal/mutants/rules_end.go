package main

var renewals = []mutant{
	without("the new record first, the tombstone second", sessions,
		"\twho, value, err := c.insert(next)\n\tif err != nil {\n\t\treturn err\n\t}\n\tfor {", `	who := c.m.cookies.identity(newToken())
	value, err := c.sign(who.token)
	if err != nil {
		return err
	}
	if first, err := c.bequeath(d, who); err != nil {
		return err
	} else if first.landed {
		if out, err := c.save(who.id, next, 0); err != nil || !out.landed {
			return err
		}
		c.s.landed(d, who, next)
		c.setCookie(value, next)
		return nil
	}
	if who, value, err = c.insert(next); err != nil {
		return err
	}
	for {`),
	without("the old record becomes a tombstone", sessions,
		"\t\tmoved, err := c.bequeath(d, who)\n", "\t\tmoved, err := outcome{landed: true}, error(nil)\n"),
	without("the tombstone is a CAS", sessions,
		"return c.save(d.id, tombstone(d.view.base, heir.id), d.view.base.version)", "return c.save(d.id, tombstone(d.view.base, heir.id), -1)"),
	without("the tombstone lasts 5 minutes", sessions,
		"tombstoneLifetime = 5 * time.Minute", "tombstoneLifetime = 5 * time.Second"),
	without("the tombstone lasts no longer", sessions,
		"tombstoneLifetime = 5 * time.Minute", "tombstoneLifetime = 5 * time.Hour"),
	without("the tombstone carries the new record's ID", sessions,
		"tombstone(d.view.base, heir.id)", "tombstone(d.view.base, \"\")"),
	without("the tombstone's ID is a hash, not what the cookie holds", sessions,
		"AppendEncode(named[:0], sum[:])", "AppendEncode(nil, append(sum[:0], what...))"),
	without("on conflict the new record is brought up to date", sessions,
		"\tout, err := c.put(who.id, newer, next)\n", "\tout, err := outcome{landed: true}, error(nil)\n"),
	without("on conflict the new record is brought up to date by CAS", sessions,
		"\tout, err := c.put(who.id, newer, next)\n", "\tout, err := c.save(who.id, newer, 0*next.version)\n"),
	without("on conflict: rebase", sessions,
		"\tif err := c.rebase(d, moved); err != nil {\n\t\treturn d, next, err\n\t}\n", "\tif _, err := c.sign(who.token); err != nil {\n\t\treturn d, next, err\n\t}\n"),
	without("on giving up the new record is deleted", sessions,
		"\t\t\tc.withdraw(who, next)\n", "\t\t\t_ = c.withdraw\n"),
	without("Set-Cookie only after the tombstone is confirmed, a failed run's token is discarded", sessions,
		"\t\tmoved, err := c.bequeath(d, who)\n", "\t\tc.setCookie(value, next)\n\t\tmoved, err := c.bequeath(d, who)\n"),
	without("Renew sets the cookie", sessions,
		"\t\t\tc.s.landed(d, who, next)\n\t\t\tc.setCookie(value, next)\n",
		"\t\t\tc.s.landed(d, who, next)\n\t\t\t_ = value\n"),
	without("no tombstone when the request's context is cancelled", sessions,
		"[]context.Context{c.asks, c.s.pass.request.Context()}", "[]context.Context{c.asks}", "return s.commit(p.request.Context(), auto)", "return s.commit(context.WithoutCancel(p.request.Context()), auto)"),
	without("no tombstone when Save's context is cancelled", sessions,
		"[]context.Context{c.asks, c.s.pass.request.Context()}", "[]context.Context{c.s.pass.request.Context()}"),
	without("no tombstone when the request's context is cancelled, whatever Save's", sessions,
		"[]context.Context{c.asks, c.s.pass.request.Context()}", "[]context.Context{c.asks}"),
	without("the lifetime restarts", sessions,
		"if d.renew || d.view.base.version == 0 {", "if d.view.base.version == 0 {"),
	without("CreatedAt survives", sessions,
		"\tc.Started = c.Seen\n", "\tc.Started, c.Created = c.Seen, c.Seen\n"),
	without("Renew of a persistent session restarts its span", sessions,
		"\t\tc.Deadline = c.Seen.Add(c.Deadline.Sub(c.Started))\n", ""),
	without("Renew of a new session stores it", sessions,
		"\treturn d.renew || d.view", "\treturn d.renew && d.id != \"\" || d.view"),
	without("a tombstone is served as anonymous", sessions,
		"\tcase one.content.Tombstone && f.tombstone.content == nil:\n\t\tf.tombstone = one\n\tcase one.content.Tombstone:\n", ""),
	without("a change on a tombstone is ErrGone", sessions,
		"return p.newSession(identity{buried: true}, nil), nil", "return p.newSession(identity{}, nil), nil"),
	without("no forwarding to the new session", sessions,
		"\t\tcase c != nil && !p.m.expired(c):\n", `		case c != nil && c.Tombstone && c.Successor != "":
			heir := identity{token: who.token, id: c.Successor}
			if c, err := p.m.fetch(ctx, heir.id); err == nil && c != nil {
				f.add(candidate{heir, c})
			}
		case c != nil && !p.m.expired(c):
`),
	without("a tombstone's cookie is not cleared", sessions,
		"return p.newSession(identity{buried: true}, nil), nil", "p.cookie.Store(p.m.cfg.Cookie.expired())\n\t\treturn p.newSession(identity{buried: true}, nil), nil"),
	without("Renew on a tombstone works", sessions,
		"case d.buried && !d.renew:", "case d.buried:"),
	without("Renew that loses to a tombstone works", sessions,
		"\t\t\tif errors.Is(err, errTombstone) {\n", "\t\t\tif errors.Is(err, errTombstone) && false {\n"),
	without("it starts with only this request's sets: old data are never forked", sessions,
		"\treturn s.rebaseLocked(empty)\n", "\tempty.Entries = d.view.base.Entries\n\treturn s.rebaseLocked(empty)\n"),
	without("it starts with this request's sets", sessions,
		"\treturn s.rebaseLocked(empty)\n", "\ts.state.changes = nil\n\treturn s.rebaseLocked(empty)\n"),
	without("what was read of the old data is not carried over", sessions,
		"\tif s.check(d, empty) != nil {\n\t\treturn ErrGone\n\t}\n", ""),
	without("what was read of the old data is not carried over, nor later", sessions,
		"\tif c.s.check(d, d.view.base) != nil {\n\t\treturn ErrGone //", "\tif false {\n\t\treturn ErrGone //"),
	without("it is a new session", sessions,
		"s.state.identity, s.state.began = identity{buried: true}, true\n",
		"s.state.identity = identity{buried: true}\n"),
	without("it is not touched by what comes after the run", sessions,
		"\tst.renew = st.renew && !d.renew\n", ""),
}

var destroys = []mutant{
	without("a CAS, not an unconditional delete", sessions,
		"out, err := c.save(id, tombstone(target, \"\"), target.version)", "out, err := outcome{landed: true}, c.m.store.Delete(c.ctx(), id)"),
	without("a CAS, not an unconditional save", sessions,
		"out, err := c.save(id, tombstone(target, \"\"), target.version)", "out, err := c.save(id, tombstone(target, \"\"), -1)"),
	without("under the same conflict rules", sessions,
		"\tif !b.revoked {\n", "\tif false {\n"),
	without("a conflict is tried again", sessions,
		"\t\t\tif out, err = c.entombOnce(b, id, target); out.landed {\n\t\t\t\treturn nil\n\t\t\t}\n", "\t\t\tif out, err = c.entombOnce(b, id, target); out.landed || err == nil && out.current != nil && !out.current.Tombstone {\n\t\t\t\treturn nil\n\t\t\t}\n"),
	without("absent is success", sessions,
		"\tcase len(b.popped) == 0:\n\t\treturn nil\n", ""),
	without("absent is none if it popped something", sessions,
		"\tcase len(b.popped) == 0:\n\t\treturn nil\n", "\tcase true:\n\t\treturn nil\n"),
	without("what was popped before a Clear counts", sessions,
		"\t\tst.changes = nil\n\t\tst.cleared = true\n", "\t\tst.changes, st.popped = nil, nil\n\t\tst.cleared = true\n"),
	without("absent after an unknown outcome is unknown if it popped something", sessions,
		"\tcase doubted:\n\t\treturn fmt.Errorf(\"%w: the record is gone\", ErrOutcomeUnknown)\n", "\tcase doubted && fmt.Sprint() != \"\":\n\t\treturn nil\n"),
	without("follows the successor", sessions,
		"case target == nil || target.Tombstone && target.Successor == \"\":", "case target == nil || target.Tombstone:"),
	without("follows the chain and destroys the last", sessions,
		"\tvar out outcome\n\tfor range maxSuccessors {\n", "\tvar out outcome\n\tfor range 3 {\n"),
	without("one that loaded a tombstone does nothing", sessions,
		"cookie: !st.buried && len(s.pass.cookies(nil)) > 0", "cookie: len(s.pass.cookies(nil)) > 0"),
	without("an unknown or expired session's cookie is cleared", sessions,
		"return &doomed{cookie: !st.buried && len(s.pass.cookies(nil)) > 0}", "return &doomed{}"),
	without("without a cookie none is cleared", sessions,
		"return &doomed{cookie: !st.buried && len(s.pass.cookies(nil)) > 0}", "return &doomed{cookie: !st.buried}"),
	without("unknown: the cookie is kept", sessions,
		"\t\tif err := c.entomb(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\tif err := c.entomb(b); err != nil {\n\t\t\tc.s.pass.cookie.Store(c.m.cfg.Cookie.expired())\n\t\t\treturn err\n\t\t}\n"),
	without("unknown: 503", sessions,
		"\t\tif err := c.entomb(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\t_ = c.entomb(b)\n"),
	without("the cookie is cleared", sessions,
		"\tif b.cookie {\n", "\tif false {\n"),
	without("what is set after Destroy starts a new session", sessions,
		"\tc.s.buried(b)\n\treturn nil\n", "\tc.s.buried(b)\n\tc.s.rollback(state{view: view{base: c.m.freshContent()}})\n\treturn nil\n"),
	without("the new session sees nothing of the old", sessions,
		"view:     view{base: s.m.freshContent()},\n\t\t\tpopped", "view:     view{base: st.view.base},\n\t\t\tpopped"),
	without("the tombstone first, then the create", sessions,
		"\t\tif err := c.settle(b); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\tdefer c.settle(b)\n"),
	without("one Set-Cookie", sessions,
		"return strings.HasPrefix(line, cookie.Name+\"=\")", "return false && strings.HasPrefix(line, cookie.Name+\"=\")"),
	without("the new session's cookie goes before the clearing one", sessions,
		"\tc.s.pass.cookie.Store(c.m.cfg.Cookie.render(value, age))\n", "\tc.s.pass.cookie.CompareAndSwap(nil, c.m.cfg.Cookie.render(value, age))\n"),
	without("if the create fails the clearing cookie goes out with the error", sessions,
		"\trn.restore()\n\trn.pass.decorate(rn.raw.Header())\n", "\trn.restore()\n"),
}
