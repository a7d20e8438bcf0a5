package otelholdfast_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

// secret is what an error of a function of Refresh says.
const secret = "refresh_token=secret"

// refresh renews the count, or fails with err.
func refresh(v *visitor, s *session.Session, err error) {
	stale := func(int) bool { return true }
	_, got := count.Refresh(v.ctx, s, stale, func(_ context.Context, n int) (int, error) { return n + 1, err })
	if !errors.Is(got, err) {
		v.t.Errorf("got error %v", got)
	}
}

// scenes are what can become of a session, and what is told of it: in metrics as
// "operation outcome error.type", in the order of the spans.
var scenes = []struct {
	name  string
	play  func(v *visitor)
	want  []string // operations
	more  []string // what else is counted: "retries 1", "replays 1", "undecodable 1"
	event string   // of the request's span
}{
	{
		name: "a session is begun, read and changed",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, func(s *session.Session) { count.Get(s) })
			v.post(http.StatusOK, func(s *session.Session) { count.Set(s, 2) })
		},
		want: []string{"save ok", "load ok", "load ok", "save ok"},
	},
	{
		name: "an anonymous visitor is not told of",
		play: func(v *visitor) { v.post(http.StatusOK, func(s *session.Session) { count.Get(s) }) },
	},
	{
		name: "a merge is a retry",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, v.merge)
		},
		want: []string{"save ok", "load ok", "load ok", "save ok", "save merged"},
		more: []string{"retries 1"},
	},
	{
		name: "a conflict is no error of the server",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusConflict, v.bump())
		},
		want: []string{"save ok", "load ok", "load ok", "save ok", "save conflict"},
		more: []string{"conflicts 1"},
	},
	{
		name: "a replay is an event of the request",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.get(http.StatusOK, v.bump())
		},
		want:  []string{"save ok", "load ok", "load ok", "save ok", "save conflict", "save ok"},
		more:  []string{"replays 1", "conflicts 1"},
		event: "holdfast.session.replay holdfast.session.replay.runs=1",
	},
	{
		name: "what was renewed is gone for the old cookie",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			old := *v
			v.post(http.StatusOK, (*session.Session).Renew)
			old.post(http.StatusConflict, begin)
			v.post(http.StatusOK, (*session.Session).Destroy)
		},
		want: []string{"save ok", "load ok", "renew ok", "load ended", "save ended", "load ok", "destroy ok"},
	},
	{
		name: "a cookie of no session",
		play: func(v *visitor) {
			var publicID string
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, func(s *session.Session) { publicID = s.PublicID() })
			if err := v.store.Provider.Delete(v.t.Context(), publicID); err != nil {
				v.t.Error(err)
			}
			v.post(http.StatusOK, func(s *session.Session) { count.Get(s) })
		},
		want:  []string{"save ok", "load ok", "load none"},
		more:  []string{"faults 1"},
		event: "holdfast.session.fault holdfast.session.fault=vanished",
	},
	{
		name: "a revocation",
		play: func(v *visitor) {
			v.post(http.StatusOK, func(s *session.Session) { s.SetOwner("ann") })
			ctx, span := v.tracer.Start(v.t.Context(), "worker")
			defer span.End()
			if err := v.RevokeAll(ctx, "ann"); err != nil {
				v.t.Error(err)
			}
		},
		want: []string{"save ok", "revoke ok"},
	},
	{
		name: "a store that is down",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.failFetches()
			v.post(http.StatusServiceUnavailable, begin)
		},
		want: []string{"save ok", "load unavailable unavailable"},
	},
	{
		name: "a visitor who hangs up is no error of the server",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.hangUp()
		},
		want: []string{"save ok", "load ok", "renew canceled"},
	},
	{
		name: "a save that nobody knows of",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.failSaves()
			v.post(http.StatusServiceUnavailable, func(s *session.Session) { count.Set(s, 2) })
		},
		want: []string{"save ok", "load ok", "save unknown outcome_unknown"},
	},
	{
		name: "a record that cannot be read",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.spoil()
			v.post(http.StatusServiceUnavailable, begin)
		},
		want: []string{"save ok", "load unreadable unreadable"},
	},
	{
		name: "a change that came when its request was over",
		play: func(v *visitor) {
			var kept *session.Session
			v.post(http.StatusOK, func(s *session.Session) { kept = s; count.Set(s, 1) })
			ctx, span := v.tracer.Start(v.t.Context(), "worker")
			defer span.End()
			count.Set(kept, 2)
			if err := kept.Save(ctx); !errors.Is(err, session.ErrRequestDone) {
				v.t.Errorf("Save: %v", err)
			}
		},
		want: []string{"save ok", "save dropped request_done"},
	},
	{
		name: "a session that is too large",
		play: func(v *visitor) {
			v.post(http.StatusInternalServerError, func(s *session.Session) { text.Set(s, strings.Repeat("x", 1e5)) })
		},
		want: []string{"save refused too_large"},
	},
	{
		name: "a refresh",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, func(s *session.Session) { refresh(v, s, nil) })
		},
		want: []string{"save ok", "load ok", "save ok", "refresh ok"},
	},
	{
		name: "a refresh whose function fails, and what it says is not told",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, func(s *session.Session) {
				refresh(v, s, fmt.Errorf("%w: %w: %s", session.ErrConflict, context.Canceled, secret))
			})
		},
		want: []string{"save ok", "load ok", "refresh failed function_failed"},
	},
	{
		name: "a stored value that does not decode",
		play: func(v *visitor) {
			v.post(http.StatusOK, begin)
			v.post(http.StatusOK, func(s *session.Session) { countAsText.Get(s) })
		},
		want:  []string{"save ok", "load ok"},
		more:  []string{"undecodable 1"},
		event: "holdfast.session.undecodable_value holdfast.session.key=count",
	},
}
