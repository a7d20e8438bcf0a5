package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// inspected returns the Info of the record with that ID.
func (w *world) inspected(id string, codecs ...session.Codec) *session.Info {
	w.t.Helper()
	info, err := session.Inspect(w.stored(id), codecs...)
	if err != nil {
		w.t.Fatal(err)
	}
	return info
}

func TestInspectASession(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	c.post(func(s *session.Session) { s.Persist(48 * time.Hour); keyB.Set(s, 2) }).wantPage(t)
	id := c.sessionID()
	info := w.inspected(id)
	if info.Kind != session.KindSession || info.PublicID != id || info.Owner != "ann" || info.Commits != 2 || info.Successor != "" || info.Sessions != nil {
		t.Errorf("Info is %+v", info)
	}
	c.get(func(s *session.Session) {
		if !info.CreatedAt.Equal(s.CreatedAt()) || !info.LastSeenAt.Equal(s.LastSeenAt()) || !info.ExpiresAt.Equal(s.ExpiresAt()) {
			t.Errorf("created %v, seen %v, expires %v; the session says %v, %v, %v",
				info.CreatedAt, info.LastSeenAt, info.ExpiresAt, s.CreatedAt(), s.LastSeenAt(), s.ExpiresAt())
		}
	})
	if d := info.Deadline.Sub(info.StartedAt); d < 48*time.Hour || d > 49*time.Hour {
		t.Errorf("it ends %v after it began", d)
	}
	if len(info.Values) != 2 || info.Values[0].Name != "a" || info.Values[1].Name != "b" {
		t.Errorf("it has %+v", info.Values)
	}
}

func TestInspectOtherRecords(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	old := c.sessionID()
	c.post((*session.Session).Renew).wantPage(t)
	if info := w.inspected(old); info.Kind != session.KindTombstone || info.Successor != c.sessionID() || len(info.Values) != 0 {
		t.Errorf("what was renewed is %+v", info)
	}
	kinds := map[session.Kind]int{}
	for rec, err := range provider.List(context.Background(), w.store.Provider, "") {
		if err != nil {
			t.Fatal(err)
		}
		info := w.inspected(rec.ID)
		kinds[info.Kind]++
		switch info.Kind {
		case session.KindOwnerIndex:
			if info.Owner != "ann" || !slices.Contains(info.Sessions, c.sessionID()) || len(info.Values) != 0 {
				t.Errorf("the owner index is %+v", info)
			}
		case session.KindKeyring:
			if info.PublicID != rec.ID || info.Values != nil || info.Sessions != nil {
				t.Errorf("the key ring is %+v", info)
			}
		}
	}
	if want := "map[keyring:1 owner-index:1 session:1 tombstone:1]"; fmt.Sprint(kinds) != want {
		t.Errorf("the store has %v, want %v", kinds, want)
	}
}

func TestInspectWhatIsNone(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	c.post(set("a=1")).wantPage(t)
	good := w.stored(c.sessionID())
	for name, change := range map[string]func(*provider.Record){
		"no data":                func(rec *provider.Record) { rec.Data = nil },
		"foreign data":           func(rec *provider.Record) { rec.Data = []byte("hello") },
		"a version of no commit": func(rec *provider.Record) { rec.Version = 1 },
		"sealed":                 func(rec *provider.Record) { rec.Format, rec.Data = "holdfast-sealed", make([]byte, 80) },
	} {
		rec := good.Clone()
		change(rec)
		if info, err := session.Inspect(rec); info != nil || !errors.Is(err, session.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
	if info, err := session.Inspect(nil); info != nil || !errors.Is(err, session.ErrUnreadable) {
		t.Errorf("nil: %+v, %v", info, err)
	}
}

type thing struct {
	Count  int64     `json:"count"`
	Big    uint64    `json:"big"`
	Bytes  []byte    `json:"bytes"`
	Parts  []any     `json:"parts"`
	At     time.Time `json:"at"`
	Absent *int      `json:"absent"`
}

func TestInspectDecodesValuesOfUnknownType(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 6, time.FixedZone("", 3600))
	var (
		things  = session.NewKey[thing]("things")
		counts  = session.NewKey[map[int]int]("counts")
		arrays  = session.NewKey[map[[2]byte]bool]("arrays")
		floats  = session.NewKey[[]float64]("floats")
		onlyJSN = session.NewKey[json.RawMessage]("json")
		ats     = session.NewKey[time.Time]("at")
		nothing = session.NewKey[*int]("nothing")
		tagged  = session.NewKey[cbor.Tag]("tagged")
	)
	for name, tc := range map[string]struct {
		codec session.Codec
		set   func(*session.Session)
		want  string // as encoding/json decodes it
	}{
		"struct": {session.CBOR(), func(s *session.Session) {
			things.Set(s, thing{-1, math.MaxUint64, []byte{255}, []any{1, "x"}, at, nil})
		}, `{"absent":null,"at":"2026-11-22T03:04:05.000000006+01:00","big":18446744073709551615,"bytes":"/w==","count":-1,"parts":[1,"x"]}`},
		"keys of integers": {session.CBOR(), func(s *session.Session) { counts.Set(s, map[int]int{7: 1, -8: 2}) }, `{"-8":2,"7":1}`},
		"keys of bytes":    {session.CBOR(), func(s *session.Session) { arrays.Set(s, map[[2]byte]bool{{1, 2}: true}) }, `{"AQI=":true}`},
		"no numbers":       {session.CBOR(), func(s *session.Session) { floats.Set(s, []float64{math.NaN(), math.Inf(-1), 1.5}) }, `["NaN","-Inf",1.5]`},
		"JSON in CBOR":     {session.CBOR(), func(s *session.Session) { onlyJSN.Set(s, json.RawMessage(`{"n":9007199254740993}`)) }, `{"n":9007199254740993}`},
		"time":             {session.CBOR(), func(s *session.Session) { ats.Set(s, at) }, `"2026-11-22T03:04:05.000000006+01:00"`},
		"tag":              {session.CBOR(), func(s *session.Session) { tagged.Set(s, cbor.Tag{Number: 4711, Content: []any{"x"}}) }, `["x"]`},
		"nil":              {session.CBOR(), func(s *session.Session) { nothing.Set(s, nil) }, `null`},
		"JSON":             {session.JSON(), func(s *session.Session) { counts.Set(s, map[int]int{1: 9007199254740993}) }, `{"1":9007199254740993}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.Codec = tc.codec })
			c := w.client()
			c.post(tc.set).wantPage(t)
			value, err := w.inspected(c.sessionID()).Values[0].Decode()
			if err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(value); err != nil || string(text) != tc.want {
				t.Errorf("got %s, %v; want %s", text, err, tc.want)
			}
		})
	}
}

// upper is a codec that a program has made itself.
type upper struct{}

func (upper) Name() string                  { return "upper" }
func (upper) Marshal(v any) ([]byte, error) { return []byte(strings.ToUpper(*v.(*string))), nil }
func (upper) Unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *string:
		*v = string(data)
	case *any:
		*v = string(data)
	}
	return nil
}

func TestInspectWithACodecOfOnesOwn(t *testing.T) {
	word := session.NewKey[string]("word")
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = upper{} })
	c := w.client()
	c.post(func(s *session.Session) { word.Set(s, "hello") }).wantPage(t)
	if value, err := w.inspected(c.sessionID(), upper{}).Values[0].Decode(); value != "HELLO" || err != nil {
		t.Errorf("with the codec: %v, %v", value, err)
	}
	unknown := w.inspected(c.sessionID()).Values[0]
	if value, err := unknown.Decode(); value != nil || err == nil || strings.Contains(err.Error(), "HELLO") {
		t.Errorf("without: %v, %v", value, err)
	}
	if string(unknown.Data) != "HELLO" {
		t.Errorf("its Data is %q", unknown.Data)
	}
}

// quoting is a codec whose errors quote the bytes that do not decode.
type quoting struct{ upper }

func (quoting) Unmarshal(data []byte, _ any) error { return fmt.Errorf("what is %s?", data) }

func TestInspectQuotesNoValueThatDoesNotDecode(t *testing.T) {
	word := session.NewKey[string]("word")
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = upper{} })
	for format, text := range map[string]string{"cbor": "secret", "json": "1 2", "upper": "secret"} {
		c := w.client()
		c.post(func(s *session.Session) { word.Set(s, text) }).wantPage(t)
		rec := w.stored(c.sessionID())
		rec.Format = format
		info, err := session.Inspect(rec, quoting{})
		if err != nil {
			t.Fatal(err)
		}
		if value, err := info.Values[0].Decode(); err == nil || strings.Contains(strings.ToLower(err.Error()), text) {
			t.Errorf("%s: %v, %v", format, value, err)
		}
	}
}

// A tool that prints the sessions of a store.
func ExampleInspect() {
	store := memory.New()
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	basket := session.NewKey[map[string]int]("basket")
	handler := sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		basket.Set(s, map[string]int{"rope": 2})
		s.SetOwner("ada")
	})
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "https://example.com/", nil))

	for rec, err := range store.List(context.Background(), "") {
		if err != nil {
			log.Fatal(err)
		}
		info, err := session.Inspect(rec)
		if err != nil || info.Kind != session.KindSession {
			continue // a record of another program, or the key ring
		}
		for _, v := range info.Values {
			value, err := v.Decode()
			fmt.Println(info.Owner, v.Name, value, err)
		}
	}
	// Output: ada basket map[rope:2] <nil>
}
