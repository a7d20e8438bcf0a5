package admin

import (
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// keysBody is the data of the page of signing keys.
type keysBody struct {
	Keys   []session.SigningKey
	Err    error
	InRing bool // at least one key is in the ring
}

func (h *handler) keys(r *request) {
	keys, err := h.m.SigningKeys(r.Context())
	if err != nil {
		h.log(r, err)
	}
	h.render(r, http.StatusOK, "keys", "Signing keys", keysBody{keys, err, usesRing(keys)})
}
