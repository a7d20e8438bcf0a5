package copies

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Instance is an app whose sessions have copies. Each change of a session appends its
// number to a list, which a read returns. So a read tells which changes it has seen, and in
// which order they were made.
type Instance struct {
	Manager *session.Manager
	Handler http.Handler // of all its requests
}

var changesOf = session.NewKey[[]int]("changes")

// NewInstance returns an app over p with copies that are used for maxStale.
func NewInstance(p provider.Provider, maxStale time.Duration) (*Instance, error) {
	m, err := session.New(p, session.Config{
		SigningKeys:  [][]byte{[]byte("a signing key of thirty-two bytes")},
		Cookie:       session.Cookie{Insecure: true},
		StoreTimeout: time.Minute, // a machine may stand still for seconds,
		Logger:       slog.New(slog.DiscardHandler),
		ReadCache:    session.ReadCache{MaxStale: maxStale},
		Observer:     noteAge,
	})
	if err != nil {
		return nil, err
	}
	return &Instance{m, m.HandlerFunc(answer)}, nil
}

type visitKey struct{}

// noteAge tells the visit how old the copy is that it is served from.
func noteAge(ctx context.Context, e session.Event) {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok && e.Op == session.OpLoad {
		v.age = e.Age
	}
}

// page is the body of an answer.
type page struct {
	PublicID string
	Changes  []int // that were made before the request
}

// answer serves a visit. It may run again.
func answer(w http.ResponseWriter, r *http.Request, s *session.Session) {
	v := r.Context().Value(visitKey{}).(*visit)
	if s.IsNew() && v.verb != begin {
		w.WriteHeader(http.StatusGone)
		return
	}
	var p page
	switch v.verb {
	case begin:
		changesOf.Set(s, nil)
	case add: // needs nothing of what was read
		changesOf.Update(s, func(list []int) []int { return append(slices.Clone(list), v.change) })
	case replace:
		list, _ := changesOf.Get(s)
		changesOf.Set(s, append(slices.Clone(list), v.change))
	default:
		p.Changes, _ = changesOf.Get(s)
	}
	if err := s.Save(r.Context()); err != nil { // so that there is an ID
		w.WriteHeader(session.StatusCode(err))
		return
	}
	p.PublicID = s.PublicID()
	_ = json.NewEncoder(w).Encode(p)
}

// serve sends v with the cookies of a browser, which keeps those of the answer.
func (i *Instance) serve(ctx context.Context, v *visit, cookies jar) {
	method := http.MethodGet
	if v.unsafe {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(context.WithValue(ctx, visitKey{}, v), method, "/", nil)
	cookies.send(r)
	w := httptest.NewRecorder()
	i.Handler.ServeHTTP(w, r)
	v.status = w.Code
	switch v.status {
	case http.StatusOK:
		var p page
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			v.fault = err
		}
		v.outcome, v.publicID, v.saw = done, p.PublicID, p.Changes
		cookies.keep(w.Result().Cookies())
	case http.StatusGone:
		v.outcome, v.gone = done, true
	case http.StatusConflict:
		v.outcome = conflict
	case http.StatusServiceUnavailable:
		v.outcome = unknown
	default:
		v.fault = fmt.Errorf("status %d: %s", v.status, w.Body)
	}
}

func (i *Instance) revoke(ctx context.Context, v *visit, publicID string) {
	v.outcome = done
	if err := i.Manager.Revoke(ctx, publicID); err != nil {
		v.outcome, v.fault = unknown, err
	}
}

// jar has the cookies of a browser by name.
type jar map[string]heldCookie

type heldCookie struct {
	value string
	until time.Time // zero: as long as the browser runs
}

func (j jar) clone() jar { return maps.Clone(j) }

func (j jar) send(r *http.Request) {
	for name, c := range j {
		if c.until.IsZero() || time.Now().Before(c.until) {
			r.AddCookie(&http.Cookie{Name: name, Value: c.value})
		}
	}
}

func (j jar) keep(cookies []*http.Cookie) {
	for _, c := range cookies {
		held := heldCookie{value: c.Value}
		if c.MaxAge > 0 {
			held.until = time.Now().Add(time.Duration(c.MaxAge) * time.Second)
		}
		j[c.Name] = held
	}
}

func (j jar) forgetVersion() {
	maps.DeleteFunc(j, func(name string, _ heldCookie) bool { return strings.HasSuffix(name, "-version") })
}
