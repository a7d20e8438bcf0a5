package main

// What docs/security.md promises and no section of COMMIT.md or DESIGN.md does.

var presets = []mutant{
	without("AAL1: 30 days in all", sessions,
		"limits(30*day, 30*day)", "limits(31*day, 31*day)"),
	without("AAL1: no limit of inactivity", sessions,
		"limits(30*day, 30*day)", "limits(time.Hour, 30*day)"),
	without("AAL2: 24 hours in all", sessions,
		"limits(time.Hour, 24*time.Hour)", "limits(time.Hour, 24*time.Hour+time.Second)"),
	without("AAL2: an hour inactive", sessions,
		"limits(time.Hour, 24*time.Hour)", "limits(time.Hour+time.Second, 24*time.Hour)"),
	without("AAL3: 12 hours in all", sessions,
		"limits(15*time.Minute, 12*time.Hour)", "limits(15*time.Minute, 12*time.Hour+time.Second)"),
	without("AAL3: 15 minutes inactive", sessions,
		"limits(15*time.Minute, 12*time.Hour)", "limits(15*time.Minute+time.Second, 12*time.Hour)"),
	without("AAL2, AAL3: Persist is held to the overall limit", sessions,
		"MaxLifetime: overall, MaxIdle: idle}", "MaxIdle: idle}"),
	without("AAL2, AAL3: Persist is held to the limit of inactivity", sessions,
		"MaxLifetime: overall, MaxIdle: idle}", "MaxLifetime: overall}"),
	without("a record is absent at the moment of its expiry", memory,
		"c.expires <= now", "c.expires < now"),
}
