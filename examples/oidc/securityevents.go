package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"
)

// maxEventAge is how old a security event token may be. Its transmitter sends it again
// until it is acknowledged.
const maxEventAge = 24 * time.Hour

const sessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"

// securityEvent receives security event tokens (RFC 8417) by push (RFC 8935), and ends the
// sessions of the event session-revoked of CAEP. Other events are acknowledged and ignored.
func (site *Site) securityEvent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	raw, err := readEventToken(w, r)
	if err != nil {
		refuseEvent(w, badRequest(err))
		return
	}
	token, err := site.events.verify(r.Context(), raw)
	if err != nil {
		refuseEvent(w, err)
		return
	}
	if event, ok := token.Events[sessionRevoked]; ok {
		err = site.revoked(r.Context(), token, event)
	}
	if err != nil && !errors.Is(err, errProcessed) { // a repeated token is acknowledged again
		refuseEvent(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func readEventToken(w http.ResponseWriter, r *http.Request) (string, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/secevent+jwt" {
		return "", errors.New("the content type is not application/secevent+jwt")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTokenSize))
	return string(raw), err
}

// revoked ends the sessions of an event session-revoked.
func (site *Site) revoked(ctx context.Context, token *eventToken, event json.RawMessage) error {
	of, err := token.account()
	if err != nil {
		return badRequest(err)
	}
	var claims struct {
		Timestamp int64 `json:"event_timestamp"` // optional
	}
	if err := json.Unmarshal(event, &claims); err != nil {
		return badRequest(err)
	}
	at := token.issuedAt()
	if claims.Timestamp > 0 && claims.Timestamp < token.IssuedAt {
		at = time.Unix(claims.Timestamp, 0)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	until := token.issuedAt().Add(maxEventAge + clockSkew)
	return site.processed.once(ctx, token.Issuer, token.ID, until, func() error { return site.end(ctx, of, at) })
}

// An eventError is an error with its code of RFC 8935, section 2.4.
type eventError struct {
	code string
	error
}

func badRequest(err error) error { return eventError{"invalid_request", err} }

// refuseEvent answers a request whose event was not processed: 400 for one that is not
// valid, and 503 if it should be sent again.
func refuseEvent(w http.ResponseWriter, err error) {
	slog.Warn("security event refused", "error", err)
	refused, ok := errors.AsType[eventError](err)
	if !ok {
		http.Error(w, "the event was not processed; send it again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Language", "en")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"err": refused.code, "description": refused.Error()})
}
