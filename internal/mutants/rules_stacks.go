package main

var stacks = []mutant{
	without("Unwrap commits", sessions,
		"if err := rn.begin(http.StatusOK); err != nil {\n\t\t\t\treturn nil, err\n\t\t\t}\n\t\t\trn.gone()\n", "rn.gone()\n"),
	without("Unwrap tells a commit that failed", sessions,
		"if err := rn.begin(http.StatusOK); err != nil {\n\t\t\t\treturn nil, err\n\t\t\t}\n\t\t\trn.gone()\n", "_ = rn.begin(http.StatusOK)\n\t\t\trn.gone()\n"),
	without("after Unwrap the header counts as sent", sessions,
		"\t\t\trn.gone()\n\t\t\tfound = true\n", "\t\t\tfound = true\n"),
	without("Unwrap goes down to the server's own writer", sessions,
		"\t\t\tbreak\n\t\t}\n\t\tw = outer.Unwrap()\n", "\t\t\tbreak\n\t\t}\n\t\tw = outer.Unwrap()\n\t\tbreak\n"),
	without("Unwrap without a Manager is ErrNoHandler", sessions,
		"\tif !found {\n\t\treturn nil, ErrNoHandler", "\tif !found {\n\t\treturn w, nil"),
	without("a handler that answers past its writer has sent the header", sessions,
		"if !rn.sent && !rn.bypassed() {", "if !rn.sent {"),
	without("a handler that answers past its writer is logged once", sessions,
		"rn.pass.asked.Load() && !m.bypassed.Swap(true) {", "rn.pass.asked.Load() {"),
}
