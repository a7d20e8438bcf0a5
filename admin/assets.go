package admin

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"net/http"
	"path"
)

//go:embed static/style.css
var styleSheet []byte

//go:embed static/icon.svg
var icon []byte

// asset is a file of the pages. It is the same for everybody and needs no right, so that
// the page that refuses an operator has it, too.
type asset struct {
	contentType string
	data        []byte
	tag         string
}

func newAsset(contentType string, data []byte) asset {
	return asset{contentType, data, fmt.Sprintf(`"%x"`, sha256.Sum256(data))}
}

var assets = map[string]asset{
	"style.css": newAsset("text/css; charset=utf-8", styleSheet),
	"icon.svg":  newAsset("image/svg+xml", icon),
}

// serveAsset serves an asset, and reports whether r asks for one.
func serveAsset(w http.ResponseWriter, r *http.Request) bool {
	a, ok := assets[path.Base(r.URL.Path)]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-cache") // ask whether it has changed
	h.Set("ETag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	_, _ = w.Write(a.data)
	return true
}
