package httpstore

import (
	"net/http"
	"time"
)

// SetHeartbeat sets the time between two signs of the server in a stream of messages.
func SetHeartbeat(h http.Handler, d time.Duration) { h.(*handler).heartbeat = d }

// SetSilence sets how long nothing may arrive in a stream of messages.
func (p *Provider) SetSilence(d time.Duration) { p.silence = d }
