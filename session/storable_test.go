package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

type (
	inner     struct{ N int }
	nothing   struct{ n int }
	withError struct {
		Name string
		Err  error
	}
	withPointer  struct{ *inner }
	withNothing  struct{ *nothing }
	withStruct   struct{ inner }
	withFunc     struct{ Do func() }
	withStringer struct{ fmt.Stringer }
	tagged0      struct {
		Name string
		Err  error `json:"-"`
	}
	taggedCBOR struct {
		Name string
		Err  error `cbor:"-"`
	}
	withAny struct {
		Name string
		Any  any
	}
	list struct {
		N    int
		Next *list
	}
)

// Types whose values cannot be decoded again are found before the program serves.
func TestNewKeyPanicsWhereNoValueComesBack(t *testing.T) {
	_ = nothing{}.n
	_ = withNothing{}.nothing
	for name, tc := range map[string]struct {
		newKey func()
		advice string // "": no panic
	}{
		"error":                                   {func() { session.NewKey[error]("k") }, "use a concrete type"},
		"an interface with methods":               {func() { session.NewKey[io.Reader]("k") }, "use a concrete type"},
		"an interface that marshals itself":       {func() { session.NewKey[json.Marshaler]("k") }, "use a concrete type"},
		"a slice of them":                         {func() { session.NewKey[[]fmt.Stringer]("k") }, "use a concrete type"},
		"an array of them":                        {func() { session.NewKey[[2]error]("k") }, "use a concrete type"},
		"a map of them":                           {func() { session.NewKey[map[string]error]("k") }, "use a concrete type"},
		"a map by them":                           {func() { session.NewKey[map[error]int]("k") }, "use a concrete type"},
		"a set of them":                           {func() { session.NewKey[map[error]struct{}]("k") }, "use a concrete type"},
		"a pointer to one":                        {func() { session.NewKey[*error]("k") }, "use a concrete type"},
		"a field of one":                          {func() { session.NewKey[withError]("k") }, "field Err of session_test.withError"},
		"a field of one, deeper":                  {func() { session.NewKey[[]map[string]*withError]("k") }, "leave the field out by the tag `json:\"-\"`"},
		"an embedded one":                         {func() { session.NewKey[withStringer]("k") }, "field Stringer"},
		"a field that is a func":                  {func() { session.NewKey[withFunc]("k") }, "a func cannot be encoded"},
		"a chan in a slice":                       {func() { session.NewKey[[]chan int]("k") }, "a chan cannot be encoded"},
		"an embedded pointer to an unexported":    {func() { session.NewKey[withPointer]("k") }, "embed the struct itself"},
		"the same, deeper":                        {func() { session.NewKey[[]withPointer]("k") }, "embed the struct itself"},
		"a struct without an exported field":      {func() { session.NewKey[nothing]("k") }, "no exported field"},
		"an embedded pointer that stores nothing": {func() { session.NewKey[withNothing]("k") }, "no exported field"},

		"an embedded struct":                   {func() { session.NewKey[withStruct]("k") }, ""},
		"an interface that is tagged away":     {func() { session.NewKey[tagged0]("k") }, ""},
		"one that is tagged away for CBOR":     {func() { session.NewKey[taggedCBOR]("k") }, ""},
		"any":                                  {func() { session.NewKey[any]("k") }, ""},
		"a field of type any":                  {func() { session.NewKey[withAny]("k") }, ""},
		"a map by any":                         {func() { session.NewKey[map[any]any]("k") }, ""},
		"a set":                                {func() { session.NewKey[map[string]struct{}]("k") }, ""},
		"a list":                               {func() { session.NewKey[list]("k") }, ""},
		"a type that marshals itself":          {func() { session.NewKey[time.Time]("k") }, ""},
		"one that marshals itself to text":     {func() { session.NewKey[netip.Addr]("k") }, ""},
		"one that marshals itself to bytes":    {func() { session.NewKey[url.URL]("k") }, ""},
		"one that marshals itself to JSON":     {func() { session.NewKey[jsonOnly]("k") }, ""},
		"a pointer to one that does, and more": {func() { session.NewKey[*big.Int]("k") }, ""},
		"one that only marshals":               {func() { session.NewKey[loudLevel]("k") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				v := recover()
				if got := fmt.Sprint(v); (v != nil) != (tc.advice != "") || !strings.Contains(got, tc.advice) && v != nil {
					t.Errorf("recovered %v; want %q", v, tc.advice)
				}
			}()
			tc.newKey()
		})
	}
}

// loudLevel marshals itself to text and has no way back.
type loudLevel int

func (l loudLevel) MarshalText() ([]byte, error) { return []byte(strings.Repeat("!", int(l))), nil }

// jsonLevel marshals itself to JSON and has no way back.
type jsonLevel int

func (l jsonLevel) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprint("level ", int(l))) }

// byteLevel marshals itself to bytes and has no way back.
type byteLevel int

func (l byteLevel) MarshalBinary() ([]byte, error) { return []byte{byte(l)}, nil }
func (l byteLevel) MarshalText() ([]byte, error)   { return []byte{'a' + byte(l)}, nil }

// onlyBack has methods to decode itself, but none to encode itself.
type onlyBack struct{ N int }

func (*onlyBack) UnmarshalJSON([]byte) error   { return errors.New("not that") }
func (*onlyBack) UnmarshalBinary([]byte) error { return errors.New("not that") }

// picky encodes itself as text, and decodes itself from it.
type picky struct{ n int }

func (p picky) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(p.n)), nil }
func (p *picky) UnmarshalText(b []byte) error {
	_, err := fmt.Sscan(string(b), &p.n)
	return err
}

// pointed marshals itself by methods of its pointer only: the values of a map do not have
// them.
type pointed struct{ text string }

func (p *pointed) MarshalJSON() ([]byte, error) { return json.Marshal([]string{p.text}) }
func (p *pointed) UnmarshalJSON(b []byte) error { return unmarshalList(b, &p.text) }
func unmarshalList(b []byte, text *string) error {
	var all []string
	if err := json.Unmarshal(b, &all); err != nil || len(all) != 1 {
		return errors.New("no list of one")
	}
	*text = all[0]
	return nil
}

// tried sets value in one request, and returns what a later one gets.
func tried[T any](t *testing.T, codec session.Codec, value T) (back T, ok bool, err error) {
	t.Helper()
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = codec })
	c := w.client()
	k := session.NewKey[T]("k")
	err = c.post(func(s *session.Session) { k.Set(s, value) }).err
	back, ok = k.Get(loaded(c))
	return back, ok, err
}

// wantKept checks that value comes back in a later request.
func wantKept[T any](value T) func(*testing.T, session.Codec) { return wantBack(value, value) }

// wantBack checks that value comes back as want.
func wantBack[T any](value, want T) func(*testing.T, session.Codec) {
	return func(t *testing.T, codec session.Codec) {
		back, ok, err := tried(t, codec, value)
		if err != nil || !ok || !reflect.DeepEqual(back, want) {
			t.Errorf("%s: got %#v, %t, %v; want %#v", codec.Name(), back, ok, err, want)
		}
	}
}

// wantComesBack checks that value comes back, with any content.
func wantComesBack[T any](value T) func(*testing.T, session.Codec) {
	return func(t *testing.T, codec session.Codec) {
		if _, ok, err := tried(t, codec, value); err != nil || !ok {
			t.Errorf("%s: %t, %v", codec.Name(), ok, err)
		}
	}
}

// wantRefused checks that value fails the commit.
func wantRefused[T any](value T) func(*testing.T, session.Codec) {
	return func(t *testing.T, codec session.Codec) {
		if _, ok, err := tried(t, codec, value); !errors.Is(err, session.ErrEncode) || ok {
			t.Errorf("%s: got %t, %v", codec.Name(), ok, err)
		}
	}
}

// A value that Set accepts can be read by Get; any other fails the commit.
func TestSetAcceptsWhatGetReturns(t *testing.T) {
	deep := &list{}
	for range 40 {
		deep = &list{Next: deep}
	}
	bothCodecs := []session.Codec{session.CBOR(), session.JSON()}
	onlyCBOR, onlyJSON := bothCodecs[:1], bothCodecs[1:]
	type at struct{ time.Time }
	for name, tc := range map[string]struct {
		codecs []session.Codec
		want   func(*testing.T, session.Codec)
	}{
		"MarshalText alone":                     {bothCodecs, wantRefused(loudLevel(3))},
		"MarshalJSON alone":                     {bothCodecs, wantRefused(jsonLevel(3))},
		"MarshalBinary alone":                   {bothCodecs, wantRefused(byteLevel(3))},
		"MarshalText alone, in a struct":        {bothCodecs, wantRefused(struct{ L loudLevel }{3})},
		"MarshalText alone, in a map":           {bothCodecs, wantRefused(map[string]loudLevel{"a": 3})},
		"Unmarshal alone":                       {onlyJSON, wantRefused(onlyBack{1})},
		"Unmarshal alone, of other bytes":       {onlyCBOR, wantKept(onlyBack{1})},
		"a map of what its pointer marshals":    {onlyJSON, wantRefused(map[string]pointed{"a": {"b"}})},
		"a slice of what its pointer marshals":  {bothCodecs, wantKept([]pointed{{"b"}})},
		"a field that is tagged away for CBOR":  {onlyCBOR, wantKept(taggedCBOR{Name: "a"})},
		"and is not for JSON":                   {onlyJSON, wantRefused(taggedCBOR{Name: "a", Err: errors.New("x")})},
		"a type that encodes itself":            {bothCodecs, wantKept(picky{3})},
		"a list":                                {bothCodecs, wantKept(list{1, &list{2, nil}})},
		"a list deeper than CBOR allows":        {onlyCBOR, wantRefused(*deep)},
		"the same for JSON":                     {onlyJSON, wantKept(*deep)},
		"an embedded struct":                    {bothCodecs, wantKept(withStruct{inner{1}})},
		"an embedded time is the time":          {bothCodecs, wantKept(at{time.Unix(1, 0).UTC()})},
		"a set":                                 {bothCodecs, wantKept(map[string]struct{}{"a": {}})},
		"any: nil":                              {bothCodecs, wantKept[any](nil)},
		"any: a text":                           {bothCodecs, wantKept[any]("a")},
		"any: a number":                         {bothCodecs, wantComesBack[any](5)},
		"any: a fraction":                       {bothCodecs, wantKept[any](0.1)},
		"any: a large fraction":                 {bothCodecs, wantKept[any](1e300)},
		"any: a struct":                         {bothCodecs, wantComesBack[any](tagged{Name: "z", Deep: []map[string][]int{{"b": {1}}}})},
		"any: a time":                           {bothCodecs, wantComesBack[any](time.Unix(1, 5))},
		"any: what marshals itself to text":     {bothCodecs, wantComesBack[any](textOnly{"a"})},
		"any: what marshals itself in all ways": {bothCodecs, wantComesBack[any](both{"a"})},
		"any: bytes":                            {bothCodecs, wantComesBack[any]([]byte{0, 255})},
		"any: 2^53 + 1":                         {onlyJSON, wantRefused[any](int64(1<<53 + 1))},
		"any: -2^53 - 1":                        {onlyJSON, wantRefused[any](map[string]any{"n": int64(-1<<53 - 1)})},
		"any: 2^60":                             {onlyJSON, wantKept[any](float64(1 << 60))},
		"any: 2^60, as an int":                  {onlyJSON, wantComesBack[any](1 << 60)},
		"any: the largest uint64":               {onlyJSON, wantRefused(withAny{Any: uint64(1<<64 - 1)})},
		"CBOR keeps them":                       {onlyCBOR, wantKept[any](int64(1<<53 + 1))},
		"CBOR keeps the largest":                {onlyCBOR, wantComesBack(withAny{Any: uint64(1<<64 - 1)})},
		"an int64 that is declared":             {bothCodecs, wantKept(int64(1<<63 - 1))},
		"any: 1.0 as JSON":                      {onlyJSON, wantComesBack[any](json.Number("1.0"))},
		"any: a map by numbers":                 {onlyCBOR, wantRefused[any](map[int]string{1: "a"})},
		"a map by any":                          {onlyCBOR, wantKept(map[any]string{"a": "b"})},
		"a map by any, of structs":              {onlyCBOR, wantRefused(map[any]string{inner{1}: "b"})},
		"any: what holds an error":              {bothCodecs, wantRefused[any](withError{"a", errors.New("b")})},
		"any: an error":                         {bothCodecs, wantRefused[any](errors.New("a"))},
		"any: no exported field":                {bothCodecs, wantRefused[any](nothing{1})},
		"any: an embedded pointer":              {bothCodecs, wantRefused[any](withPointer{&inner{1}})},
		"any, deeper: no exported field":        {bothCodecs, wantRefused(map[string][]any{"a": {1, nothing{1}}})},
		"any: what only marshals to JSON":       {bothCodecs, wantBack[any](jsonOnly{"a"}, map[string]any{"v": "a"})},
		"any, deeper: the same":                 {bothCodecs, wantBack(map[string]any{"k": []any{jsonOnly{"a"}}}, map[string]any{"k": []any{map[string]any{"v": "a"}}})},
		"invalid UTF-8":                         {onlyJSON, wantRefused("a\xffb")},
		"invalid UTF-8 in a name":               {onlyJSON, wantRefused(map[string]int{"a\xff": 1})},
		"invalid UTF-8 in a struct":             {onlyJSON, wantRefused([]withAny{{Any: []any{"a\xff"}}})},
		"invalid UTF-8 by MarshalText":          {onlyJSON, wantRefused(textOnly{"a\xff"})},
		"CBOR keeps it":                         {onlyCBOR, wantKept("a\xffb")},
		"U+FFFD":                                {bothCodecs, wantKept("a\ufffdb")},
		"a text that looks like it":             {bothCodecs, wantKept(`a\ufffdb`)},
		"JSON of U+FFFD":                        {onlyJSON, wantKept(json.RawMessage(`"\ufffd"`))},
	} {
		for _, codec := range tc.codecs {
			t.Run(name+"/"+codec.Name(), func(t *testing.T) { tc.want(t, codec) })
		}
	}
}

// All operations that encode a value refuse it in the same way.
func TestEveryVerbRefusesWhatDoesNotComeBack(t *testing.T) {
	for name, verb := range map[string]func(k session.Key[loudLevel], s *session.Session, c *client){
		"Set": func(k session.Key[loudLevel], s *session.Session, _ *client) { k.Set(s, 3) },
		"Update": func(k session.Key[loudLevel], s *session.Session, _ *client) {
			k.Update(s, func(loudLevel) loudLevel { return 3 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			k := session.NewKey[loudLevel]("k")
			a := c.post(func(s *session.Session) { keyA.Set(s, 1); verb(k, s, c) })
			a.wantError(t, 500, session.ErrEncode)
			for _, want := range []string{`"k"`, "loudLevel", "methods match"} {
				if !strings.Contains(a.err.Error(), want) {
					t.Errorf("%q lacks %q", a.err, want)
				}
			}
			c.wantState("empty")
		})
	}

	t.Run("MergeWith", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		k := session.NewKey[any]("k")
		merging := k.MergeWith(func(_, _, _ any) any { return map[int]int{1: 1} })
		c.post(func(s *session.Session) { k.Set(s, "a") }).wantPage(t)
		a := c.post(func(s *session.Session) {
			merging.Set(s, "b")
			c.tab().post(func(s *session.Session) { k.Set(s, "c") }).wantPage(t)
		})
		a.wantError(t, 500, session.ErrEncode)
	})
}

// oneWay is a codec that a program has made itself, and that decodes no struct.
type oneWay struct{ session.Codec }

func (oneWay) Name() string { return "one-way" }
func (c oneWay) Unmarshal(data []byte, v any) error {
	if reflect.TypeOf(v).Elem().Kind() == reflect.Struct {
		return errors.New("not that")
	}
	return c.Codec.Unmarshal(data, v)
}

func TestACodecOfTheProgramsOwnIsTried(t *testing.T) {
	codec := oneWay{session.JSON()}
	t.Run("a type that it does not decode is refused", func(t *testing.T) { wantRefused(inner{1})(t, codec) })
	t.Run("one that it does is kept", func(t *testing.T) { wantKept([]int{1})(t, codec) })

	t.Run("once for each type", func(t *testing.T) {
		counted := &counting{Codec: session.JSON()}
		w := newWorld(t, func(cfg *session.Config) { cfg.Codec = counted })
		c := w.client()
		for i := range 3 {
			c.post(set(fmt.Sprint("a=", i))).wantPage(t)
		}
		if counted.decoded != 1 {
			t.Errorf("decoded %d times", counted.decoded)
		}
	})
}

// counting is a codec that counts the values that it decodes.
type counting struct {
	session.Codec
	decoded int
}

func (*counting) Name() string { return "counting" }
func (c *counting) Unmarshal(data []byte, v any) error {
	c.decoded++
	return c.Codec.Unmarshal(data, v)
}

func TestUnexportedFieldsAreNotKept(t *testing.T) {
	type half struct {
		A int
		b int
	}
	for _, codec := range []session.Codec{session.CBOR(), session.JSON()} {
		if back, ok, err := tried(t, codec, half{1, 2}); err != nil || !ok || back != (half{1, 0}) {
			t.Errorf("%s: %v, %t, %v", codec.Name(), back, ok, err)
		}
	}
}

func TestAStructThatEmbedsATimeIsStoredAsTheTime(t *testing.T) {
	type event struct {
		time.Time
		Name string
	}
	for _, codec := range []session.Codec{session.CBOR(), session.JSON()} {
		if back, ok, err := tried(t, codec, event{time.Unix(1, 0).UTC(), "a"}); err != nil || !ok || back.Name != "" || back.Unix() != 1 {
			t.Errorf("%s: %v, %t, %v", codec.Name(), back, ok, err)
		}
	}
}

// A value with more elements than CBOR decodes fails the commit, even where
// Config.MaxSize has room for it.
func TestAValueOverTheDecodersLimitsIsRefused(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 1 << 20 })
	c := w.client()
	many := session.NewKey[[]int8]("many")
	c.post(func(s *session.Session) { many.Set(s, make([]int8, 1<<17)) }).wantPage(t)
	c.post(func(s *session.Session) { many.Set(s, make([]int8, 1<<17+1)) }).wantError(t, 500, session.ErrEncode)
	if v, ok := many.Get(loaded(c)); !ok || len(v) != 1<<17 {
		t.Errorf("%d, %t", len(v), ok)
	}
}
