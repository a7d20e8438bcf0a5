package timeouts

import (
	_ "embed" // the script
	"io"
	"net/http"
)

// warning is the script of every page.
//
//go:embed warning.js
var warning string

func script(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript")
	_, _ = io.WriteString(w, warning)
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><title>Work</title>
<dialog id="warning"><p>You are about to be logged out.</p><button id="stay">Stay logged in</button></dialog>
<script src="/warning.js"></script>`)
}

// isAdmin stands for a look at the account.
func isAdmin(name string) bool { return name == "root" }
