package session_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// jsonOnly marshals itself to JSON only, and has no exported field: plain CBOR would
// store it as an empty map.
type jsonOnly struct{ text string }

func (j jsonOnly) MarshalJSON() ([]byte, error)  { return json.Marshal(map[string]string{"v": j.text}) }
func (j *jsonOnly) UnmarshalJSON(b []byte) error { return unmarshalField(b, &j.text) }

func unmarshalField(b []byte, text *string) error {
	var m map[string]string
	err := json.Unmarshal(b, &m)
	*text = m["v"]
	return err
}

// textOnly marshals itself to text only.
type textOnly struct{ text string }

func (x textOnly) MarshalText() ([]byte, error) { return []byte("text:" + x.text), nil }

func (x *textOnly) UnmarshalText(b []byte) error {
	x.text = strings.TrimPrefix(string(b), "text:")
	return nil
}

// both marshals itself in three ways. Decoding has to use the one that encoding has used.
type both struct{ text string }

func (b both) MarshalBinary() ([]byte, error) { return []byte("\x00" + b.text), nil }

func (b *both) UnmarshalBinary(data []byte) error {
	b.text = strings.TrimPrefix(string(data), "\x00")
	return nil
}

func (b both) MarshalText() ([]byte, error) { return []byte("text:" + b.text), nil }

func (b *both) UnmarshalText(data []byte) error {
	b.text = strings.TrimPrefix(string(data), "text:")
	return nil
}

func (b both) MarshalJSON() ([]byte, error)     { return json.Marshal(map[string]string{"v": b.text}) }
func (b *both) UnmarshalJSON(data []byte) error { return unmarshalField(data, &b.text) }

type mixed struct {
	J jsonOnly
	X textOnly
	B both
	T time.Time
	D []byte
}

type tagged struct {
	Name   string `json:"n,omitempty"`
	Hidden string `json:"-"`
	When   time.Time
	Deep   []map[string][]int
}

func TestCodecsKeepValues(t *testing.T) {
	when := time.Date(2026, 11, 22, 1, 2, 3, 456_789_012, time.FixedZone("", 5*3600+1800))
	site, _ := url.Parse("https://user@example.org/a?b=c#d")
	values := []any{
		0, -1, math.MaxInt64, math.MinInt64, uint64(math.MaxUint64), 1.5, math.Inf(-1), true, "", "a\x00b",
		[]byte{},
		[]byte{0, 255},
		[]string{"a"},
		map[string]int{"b": 1, "a": 2},
		[3]bool{true},
		map[int]string{2: "x"},
		(*int)(nil),
		when, time.Duration(math.MaxInt64), netip.MustParseAddr("2001:db8::1"), *big.NewInt(0).Exp(big.NewInt(7), big.NewInt(90), nil), *site,
		jsonOnly{"secret"},
		textOnly{"secret"},
		both{"secret"},
		mixed{jsonOnly{"j"}, textOnly{"x"}, both{"b"}, when.UTC(), []byte{0, 255}},
		[]jsonOnly{{"a"}},
		map[string]textOnly{"k": {"v"}},
		tagged{Name: "n", When: when, Deep: []map[string][]int{{"a": {1}}, nil}},
		map[string]any{"s": "x", "l": []any{"y", true, nil}, "m": map[string]any{"k": "v"}},
	}
	for _, codec := range []session.Codec{session.CBOR(), session.JSON()} {
		for _, want := range values {
			t.Run(fmt.Sprintf("%s/%T %.20v", codec.Name(), want, want), func(t *testing.T) {
				if f, ok := want.(float64); ok && math.IsInf(f, 0) && codec.Name() == "json" {
					return // JSON has no infinity, and Marshal returns an error
				}
				if _, ok := want.(url.URL); ok && codec.Name() == "json" {
					return // url.URL does not marshal itself to JSON, and loses its User
				}
				source := reflect.New(reflect.TypeOf(want)) // a Key passes a pointer
				source.Elem().Set(reflect.ValueOf(want))
				data, err := codec.Marshal(source.Interface())
				if err != nil {
					t.Fatal(err)
				}
				got := reflect.New(reflect.TypeOf(want))
				if err := codec.Unmarshal(data, got.Interface()); err != nil {
					t.Fatal(err)
				}
				if at, ok := want.(time.Time); ok {
					if !got.Elem().Interface().(time.Time).Equal(at) {
						t.Errorf("got %v, want %v", got.Elem(), at)
					}
					return
				}
				if fmt.Sprintf("%+v", got.Elem()) != fmt.Sprintf("%+v", reflect.ValueOf(want)) {
					t.Errorf("got %+v, want %+v", got.Elem(), want)
				}
			})
		}
	}
}

func TestCBORKeepsWhatIsNotUTF8(t *testing.T) {
	data, err := session.CBOR().Marshal("a\xffb")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := session.CBOR().Unmarshal(data, &got); err != nil || got != "a\xffb" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEqualValuesHaveEqualBytes(t *testing.T) {
	value := map[string]any{}
	for i := range 100 {
		value[fmt.Sprint(i)] = map[string]int{"a": i, "b": -i, "c": 0}
	}
	for _, codec := range []session.Codec{session.CBOR(), session.JSON()} {
		first, err := codec.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			again, _ := codec.Marshal(value)
			if string(again) != string(first) {
				t.Fatalf("%s: two encodings of one value", codec.Name())
			}
		}
	}
}

func TestCBORRefusesWhatIsHostile(t *testing.T) {
	for name, data := range map[string]string{
		"nested deeply":               strings.Repeat("\x81", 100) + "\x00",
		"an array longer than itself": "\x9a\xff\xff\xff\xff",
		"a map longer than itself":    "\xba\xff\xff\xff\xff",
		"a string of all memory":      "\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
		"an indefinite length":        "\x9f\x00\xff",
		"a key twice":                 "\xa2\x61a\x00\x61a\x01",
		"bytes after the end":         "\x00\x00",
		"nothing":                     "",
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			if err := session.CBOR().Unmarshal([]byte(data), &v); err == nil {
				t.Errorf("got %v", v)
			}
		})
	}
}

func TestRuleDynamicValue(t *testing.T) {
	_, c, _ := begun(t)
	tree := session.NewKey[any]("tree")
	c.post(func(s *session.Session) { tree.Set(s, map[string]any{"leaf": map[string]any{"n": "v"}}) }).wantPage(t)
	c.post(func(s *session.Session) {
		got, _ := tree.Get(s)
		outer, _ := got.(map[string]any)
		if _, ok := outer["leaf"].(map[string]any); !ok {
			t.Errorf("it comes back as %T %v", got, got)
		}
	}).wantPage(t)
}
