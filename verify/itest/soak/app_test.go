package soak_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// What is kept are tokens, so that one that is lost or kept twice shows.
var (
	owner  = session.NewKey[string]("owner")
	lists  = map[string]session.Key[[]string]{}
	coupon = session.NewKey[string]("coupon")
	taken  = session.NewKey[[]string]("taken")
)

func init() {
	for _, verb := range []string{"update", "getset", "replay", "save", "transact"} {
		lists[verb] = session.NewKey[[]string](verb)
	}
}

func ownKey(token string) session.Key[bool] { return session.NewKey[bool]("own " + token) }

// What the app answers.
const (
	saidUnknown = "it is unknown whether it was saved"
	saidRefused = "nothing was saved"
)

// A page is what the app answers when all is well.
type page struct {
	Owner  string // "": the visitor has no session
	Tokens []string
}

// verbs are what a request does with its token. All but begin and read are done
// to a session that is somebody's.
var verbs = map[string]func(s *session.Session, r *http.Request, token string) error{
	"begin": func(s *session.Session, _ *http.Request, token string) error {
		owner.Set(s, token)
		return nil
	},
	"read": func(*session.Session, *http.Request, string) error { return nil },
	"update": func(s *session.Session, _ *http.Request, token string) error {
		lists["update"].Update(s, with(token))
		return nil
	},
	"getset": appends("getset"),
	"replay": appends("replay"),
	"own": func(s *session.Session, _ *http.Request, token string) error {
		ownKey(token).Set(s, true)
		return nil
	},
	"drop": func(s *session.Session, _ *http.Request, token string) error {
		ownKey(token).Delete(s)
		return nil
	},
	"save": func(s *session.Session, r *http.Request, token string) error {
		lists["save"].Update(s, with(token))
		return s.Save(r.Context())
	},
	"transact": func(s *session.Session, r *http.Request, token string) error {
		return s.Update(r.Context(), func(s *session.Session) error { return appends("transact")(s, r, token) })
	},
	"give": func(s *session.Session, r *http.Request, token string) error {
		return s.Update(r.Context(), func(s *session.Session) error {
			if _, ok := coupon.Get(s); ok {
				return errTaken
			}
			coupon.Set(s, token)
			return nil
		})
	},
	"take": func(s *session.Session, _ *http.Request, _ string) error {
		if token, ok := coupon.Pop(s); ok {
			taken.Update(s, with(token))
		}
		return nil
	},
	"clear": func(s *session.Session, _ *http.Request, _ string) error {
		who, _ := owner.Get(s)
		s.Clear()
		owner.Set(s, who)
		return nil
	},
	"renew": func(s *session.Session, _ *http.Request, _ string) error {
		s.Renew()
		return nil
	},
	"persist": func(s *session.Session, _ *http.Request, _ string) error {
		s.Persist(2 * time.Hour)
		return nil
	},
	"destroy": func(s *session.Session, _ *http.Request, _ string) error {
		s.Destroy()
		return nil
	},
}

var errTaken = errors.New("there is a coupon")

func with(token string) func([]string) []string {
	return func(list []string) []string { return append(list, token) }
}

func appends(name string) func(*session.Session, *http.Request, string) error {
	return func(s *session.Session, _ *http.Request, token string) error {
		list, _ := lists[name].Get(s)
		lists[name].Set(s, append(list, token))
		return nil
	}
}

// routes serves the verbs, each at the path of its name.
func routes(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	for verb, do := range verbs {
		var handler http.Handler = m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			p := tell(s)
			if verb == "read" {
				p = tellAll(s)
			}
			if p.Owner != "" || verb == "begin" {
				if err := do(s, r, r.FormValue("token")); err != nil {
					sayWhatFailed(w, r, err)
					return
				}
			}
			_ = json.NewEncoder(w).Encode(p)
		})
		if verb == "replay" {
			handler = m.Replay(handler)
		}
		mux.Handle("/"+verb, handler)
	}
	return mux
}

// tell reads what there is before the verb is done, with as few keys as that needs:
// what is read of a key that is set then may conflict.
func tell(s *session.Session) (p page) {
	p.Owner, _ = owner.Get(s)
	return p
}

// tellAll is for those who only read.
func tellAll(s *session.Session) page {
	p := tell(s)
	for _, key := range append(slices.Collect(maps.Values(lists)), taken) {
		list, _ := key.Get(s)
		p.Tokens = append(p.Tokens, list...)
	}
	if token, ok := coupon.Get(s); ok {
		p.Tokens = append(p.Tokens, token)
	}
	for _, key := range s.Keys() {
		if token, ok := strings.CutPrefix(key, "own "); ok {
			p.Tokens = append(p.Tokens, token)
		}
	}
	return p
}

func sayWhatFailed(w http.ResponseWriter, _ *http.Request, err error) {
	text, status := saidRefused, session.StatusCode(err)
	switch {
	case errors.Is(err, session.ErrOutcomeUnknown):
		text = saidUnknown
	case errors.Is(err, errTaken):
		status = http.StatusConflict
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
