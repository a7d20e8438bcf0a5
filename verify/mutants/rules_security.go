package main

// What docs/security.md promises and neither docs/protocol.md nor DESIGN.md does.

var presets = []mutant{
	without("AAL1: 30 days in all", engine,
		"limits(30*day, 30*day)", "limits(31*day, 31*day)"),
	without("AAL1: no limit of inactivity", engine,
		"limits(30*day, 30*day)", "limits(time.Hour, 30*day)"),
	without("AAL2: 24 hours in all", engine,
		"limits(time.Hour, 24*time.Hour)", "limits(time.Hour, 24*time.Hour+time.Second)"),
	without("AAL2: an hour inactive", engine,
		"limits(time.Hour, 24*time.Hour)", "limits(time.Hour+time.Second, 24*time.Hour)"),
	without("AAL3: 12 hours in all", engine,
		"limits(15*time.Minute, 12*time.Hour)", "limits(15*time.Minute, 12*time.Hour+time.Second)"),
	without("AAL3: 15 minutes inactive", engine,
		"limits(15*time.Minute, 12*time.Hour)", "limits(15*time.Minute+time.Second, 12*time.Hour)"),
	without("AAL2, AAL3: Persist is held to the overall limit", engine,
		"PersistLifetime: overall, PersistIdleTimeout: idle}", "PersistIdleTimeout: idle}"),
	without("AAL2, AAL3: Persist is held to the limit of inactivity", engine,
		"PersistLifetime: overall, PersistIdleTimeout: idle}", "PersistLifetime: overall}"),
	without("a record is absent at the moment of its expiry", memory,
		"c.expires <= now", "c.expires < now"),
}

var leaks = []mutant{
	without("a log line names a session by its public ID, not by its token", engine,
		"\t\treturn s.PublicID()\n\t}\n\treturn \"\"", "\t\treturn fmt.Sprint(s.PublicID(), p.cookies(nil))\n\t}\n\treturn \"\"",
		"import (\n\t\"context\"\n\t\"log/slog\"\n\t\"net/http\"\n\t\"sync\"", "import (\n\t\"context\"\n\t\"fmt\"\n\t\"log/slog\"\n\t\"net/http\"\n\t\"sync\""),
	without("a log line quotes no value", engine,
		"s.logUndecodable(k.name, reflect.TypeFor[T]())", "s.logUndecodable(string(v.Bytes()), reflect.TypeFor[T]())"),
	without("an error quotes no value", engine,
		"\tif unmarshal(codec, v, &back) != nil {\n\t\treturn errNotDecoded\n", "\tif err := unmarshal(codec, v, &back); err != nil {\n\t\treturn err\n"),
	without("no signing key is logged", keyrings,
		"slog.Duration(\"by\", ", "slog.Any(\"keys\", keys), slog.Duration(\"by\", "),
}

var bombs = []mutant{
	without("CBOR: nesting is limited to less than a session has bytes", engine,
		"MaxNestedLevels:  32,", "MaxNestedLevels:  65535,"),
}

var secrets = []mutant{
	without("the record's ID does not tell the token", engine,
		"\tsum := sha256.Sum256(append(named, name...))\n", "\tsum := sha256.Sum256(append(named, name...))\n\tcopy(sum[:], name)\n"),
	without("all of a token is random", engine,
		"_, _ = rand.Read(token)", "_, _ = rand.Read(token[:8])"),
	without("where randomness fails there is no other", engine,
		"_, _ = rand.Read(token)", "_, _ = rand.Reader.Read(token)"),
	without("a proven cookie keeps no header", engine,
		"strings.Clone(value)", "value[:len(strings.Clone(value))]"),
	without("a Namespace has no NUL", engine,
		"!strings.Contains(c.Namespace, \"\\x00\")", "!strings.Contains(\"\", \"\\x00\")"),
	without("the content of another record is not read", envelopes,
		"!bytes.Equal(d.take(boundSize), end[:]) && !d.failed", "!bytes.Equal(d.take(boundSize), end[:]) && d.failed"),
	without("RevokeOthers spares what the session was renewed to", engine,
		"\tspared, err := a.Successors(id)\n", "\tspared, err := a.Successors(\"\")\n\tspared = []string{id}\n"),
	without("an Observer may load the session", engine,
		"\t*event = p.m.engine.Observer.Begin(observe.Load)\n", "\t*event = p.m.engine.Observer.Begin(observe.Load)\n\tdefer p.m.engine.Observer.End(ctx, *event)\n"),
	without("a session ID comes by cookie only", engine,
		"return p.m.cfg.Cookie.sent(values, p.request.Header)",
		"return append(p.m.cfg.Cookie.sent(values, p.request.Header), p.request.URL.Query()[p.m.cfg.Cookie.Name]...)"),
}

var cookieRules = []mutant{
	without("no Max-Age unless it is asked for", engine,
		"\tage := p.m.cfg.Cookie.MaxAge\n", "\tage := max(p.m.cfg.Cookie.MaxAge, time.Hour)\n"),
	without("New validates SameSite", engine,
		"check(c.SameSite >= http.SameSiteLaxMode && c.SameSite <= http.SameSiteNoneMode,", "check(true,"),
	without("New validates the prefix in any case", engine,
		"lower := strings.ToLower(c.Name)", "lower := c.Name"),
	without("New validates 1024 bytes of an attribute", engine,
		"check(len(specimen.Path) <= maxCookieAttribute,", "check(true,"),
	without("4096 bytes are allowed", engine,
		"check(len(c.Name)+token.ValueLength <= maxCookieLength,", "check(len(c.Name)+token.ValueLength < maxCookieLength,"),
	without("New validates 400 days of PersistLifetime", engine,
		"check(c.PersistLifetime <= maxCookieAge,", "check(true,"),
	without("New validates 400 days of MaxAge", engine,
		"check(c.MaxAge >= 0 && c.MaxAge <= maxCookieAge,", "check(true,"),
	without("Persist is capped at PersistLifetime, when it is asked for", engine,
		"\tc.Deadline = Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))\n", "",
		"return Earlier(c.Deadline, c.Started.Add(l.PersistLifetime))", "return c.Deadline"),
}
