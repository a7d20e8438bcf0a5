package scsholdfast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/session"
)

// jsonCodec is a codec as an app has written it for scs.
type jsonCodec struct{}

type jsonSession struct {
	Deadline time.Time
	Values   map[string]any
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(jsonSession{deadline, values})
}

func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s jsonSession
	err := json.Unmarshal(b, &s)
	return s.Deadline, s.Values, err
}

func TestCodec(t *testing.T) {
	m, _ := newManager(t)
	m.Codec = jsonCodec{}
	token := use(t, m, "", func(ctx context.Context) {
		m.Put(ctx, "n", 1)
		m.Put(ctx, "nil", nil)
		session.NewKey[string]("s").Set(m.Session(ctx), "text")
	})
	use(t, m, token, func(ctx context.Context) {
		if m.GetFloat(ctx, "n") != 1 || m.GetString(ctx, "s") != "text" || !m.Exists(ctx, "nil") {
			t.Errorf("values %v %v", m.Get(ctx, "n"), m.Get(ctx, "s"))
		}
		if s, _ := session.NewKey[any]("nil").Get(m.Session(ctx)); s != nil {
			t.Errorf("nil is %v", s)
		}
	})
}

func TestGobCodec(t *testing.T) {
	at := time.Now().Round(0)
	b, err := scsholdfast.GobCodec{}.Encode(at, map[string]any{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	deadline, values, err := scsholdfast.GobCodec{}.Decode(b)
	if err != nil || !deadline.Equal(at) || values["a"] != 1 {
		t.Errorf("%v, %v, %v", deadline, values, err)
	}
}

// A stored value that does not decode is logged without its content, and reads as absent.
func TestUndecodable(t *testing.T) {
	m, _ := newManager(t)
	m.Codec = doublingCodec{}
	var log bytes.Buffer
	m.Config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", "secret") })
	use(t, m, token, func(ctx context.Context) {
		if m.Exists(ctx, "n") || m.Get(ctx, "n") != nil || m.Pop(ctx, "n") != nil {
			t.Error("the value is there")
		}
	})
	if text := log.String(); !strings.Contains(text, "does not decode") || strings.Contains(text, "secret") {
		t.Errorf("log %s", text)
	}
}

type doublingCodec struct{ jsonCodec }

func (c doublingCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	at, values, err := c.jsonCodec.Decode(b)
	values["another"] = 1
	return at, values, err
}
