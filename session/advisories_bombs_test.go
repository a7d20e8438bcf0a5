package session_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// maxSize is the default of Config.MaxSize.
const maxSize = 64 << 10

// allocated returns the number of bytes that fn allocates, which is the most that the
// heap grows by.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The bytes in a store may come from an attacker. Other libraries have executed them
// (CVE-2026-39324: Marshal) or have trusted the lengths in them.
func TestAdvisoryHostileRecords(t *testing.T) {
	w, c, id := begun(t)
	good := w.stored(id)
	header := good.Data[:len(good.Data)-5] // less one entry: its number, "a" and 1 with their lengths
	entries := func(n uint64, text string) []byte {
		return append(binary.AppendUvarint(append([]byte(nil), header...), n), text...)
	}
	dense := func(n int) (text string) {
		var b strings.Builder
		for i := range n {
			b.Write([]byte{2, byte(i >> 8), byte(i), 0})
		}
		return b.String()
	}
	usual := allocated(func() { c.post(read(keyA)).wantPage(t) })
	tombstone := slices.Clone(header[:len(header)-1]) // less the owner
	tombstone[1] = 1                                  // the kind
	readable := map[string]bool{"as many entries as bytes allow": true, "one value of all the size": true}
	for name, data := range map[string][]byte{
		"a number of entries that is not there": entries(1<<62, "\x01a\x01\x01"),
		"a length that is not there":            entries(1, "\x7fa"),
		"a long length that is not there":       entries(1, "\xff\xff\x7fa"),
		"a length over all that there is":       entries(1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
		"a value's length that is not there":    entries(1, "\x01b\xff\xff\xff\xff\xff\xff\xff\xff\x7fx"),
		"a successor that is not there":         append(slices.Clip(tombstone), 0, 43),
		"a claim that is not there":             append(slices.Clip(tombstone), 0, 0, 43),
		"nothing but empty entries":             entries(maxSize/2-40, strings.Repeat("\x00\x00", maxSize/2-40)),
		"as many entries as bytes allow":        entries(maxSize/4-20, dense(maxSize/4-20)),
		"noise":                                 []byte(strings.Repeat("\xff", maxSize)),
		"zeros":                                 make([]byte, maxSize),
		"one value of all the size":             entries(1, "\x01b"+string(binary.AppendUvarint(nil, maxSize-100))+strings.Repeat("\x81", maxSize-100)),
	} {
		t.Run(name, func(t *testing.T) {
			wantErr(t, w.store.Provider.Save(t.Context(), &provider.Record{
				ID: id, Version: good.Version, ExpiresAt: good.ExpiresAt, Format: good.Format, Data: data,
			}, -1), nil)
			var a *answer
			grown := allocated(func() { a = c.post(read(keyA, keyB)) }) - usual
			if int64(grown) > 4*maxSize {
				t.Errorf("the heap grows by %d bytes, for a record of %d", grown, len(data))
			}
			if readable[name] {
				a.wantPage(t)
			} else {
				a.wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
			}
			a.wantCookies(t, 0)
		})
	}
}

// A value may be a few bytes that claim to be very large. The values are decoded into the
// type that the app asks for, here any.
func TestAdvisoryBombsInValues(t *testing.T) {
	long := func(major byte) string { return string([]byte{major<<5 | 27, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff}) }
	for name, data := range map[string]string{
		"bytes of all memory":    long(2) + "x",
		"a string of all memory": long(3) + "x",
		"an array of all memory": long(4) + "\x00",
		"a map of all memory":    long(5) + "\x00\x00",
		"a big number":           "\xc2" + long(2) + "x",
		"arrays in arrays":       strings.Repeat("\x81", maxSize-200) + "\x00",
		"arrays of all memory":   strings.Repeat("\x9b\x00\x00\x00\x7f\xff\xff\xff\xff", 5000),
		"tags of tags":           strings.Repeat("\xd8\x20", maxSize/2-200) + "\x61a",
		"without an end":         "\x9f" + strings.Repeat("\x9f", 40),
		"JSON in JSON":           "\xd9\x01\x06\x58\x64" + strings.Repeat("[", 100),
	} {
		t.Run(name, func(t *testing.T) {
			for target, decode := range map[string]func() error{
				"any":        func() error { var v any; return session.CBOR().Unmarshal([]byte(data), &v) },
				"[]string":   func() error { var v []string; return session.CBOR().Unmarshal([]byte(data), &v) },
				"map":        func() error { var v map[string]int; return session.CBOR().Unmarshal([]byte(data), &v) },
				"a struct":   func() error { var v mixed; return session.CBOR().Unmarshal([]byte(data), &v) },
				"any (JSON)": func() error { var v any; return session.JSON().Unmarshal([]byte(data), &v) },
			} {
				var err error
				if grown := allocated(func() { err = decode() }); grown > 4*maxSize {
					t.Errorf("%s: the heap grows by %d bytes, for %d", target, grown, len(data))
				}
				if err == nil {
					t.Errorf("%s: no error", target)
				}
			}
		})
	}
}

// A session may hold a great many small values, as long as they fit into MaxSize.
func TestSessionOfTinyValues(t *testing.T) {
	const n = 6000
	w := newWorld(t)
	c := w.client()
	c.post(func(s *session.Session) {
		for i := range n {
			session.NewKey[int](fmt.Sprint(i)).Set(s, i)
		}
	}).wantPage(t)
	c.post(set("a=1")).wantPage(t)
	c.post(func(s *session.Session) {
		if got := len(s.Keys()); got != n+1 {
			t.Errorf("%d values", got)
		}
		for _, i := range []int{0, 1, 4711, n - 1} {
			if got, _ := session.NewKey[int](fmt.Sprint(i)).Get(s); got != i {
				t.Errorf("value %d is %d", i, got)
			}
		}
		s.Renew()
	}).wantPage(t)
}

// A subdomain, or a script, can give a visitor thousands of cookies. net/http accepts
// headers of up to 1 MB, and its own Request.Cookies gives up at 3000 cookies. The
// session's cookie is found among any number of others.
func TestAdvisoryCookieBomb(t *testing.T) {
	t.Run("is answered", func(t *testing.T) {
		env := httpNew(t, session.Config{})
		srv := httptest.NewServer(env.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			name, _ := httpName.Get(s)
			fmt.Fprint(w, name)
		}))
		defer srv.Close()
		genuine := "session=" + httpCookieOf(t, env.Manager)
		for _, n := range []int{8, 100, 2999, 3001, 20_000} {
			for what, pair := range map[string]string{"others": "a%d=b", "of the name": "session=%d"} {
				trips := env.store.Trips()
				status, body := sendCookies(t, srv.URL, pair, n, genuine)
				want := "begun" // cookies of other names do not matter; 8 of the name are allowed
				if what == "of the name" {
					want = ""
				}
				if status != http.StatusOK || body != want {
					t.Errorf("%d %s: status %d, %q; want %q", n, what, status, body, want)
				}
				if got := env.store.Trips() - trips; got > 1 {
					t.Errorf("%d %s: %d trips", n, what, got)
				}
			}
		}
	})

	t.Run("costs no more than its header", func(t *testing.T) {
		w, c, _ := begun(t)
		genuine := c.jar["session"]
		forged := strings.Repeat("A", len(genuine))
		h := w.m.HandlerFunc(httpReading)
		header := "session=" + genuine + strings.Repeat("; session="+forged, 5000)
		httpServeTo(h, header)
		if got := allocated(func() { httpServeTo(h, header) }); got > uint64(4*len(header)) {
			t.Errorf("%d bytes for a header of %d", got, len(header))
		}
	})

	t.Run("of one cookie that is too long is none", func(t *testing.T) {
		w, c, _ := begun(t)
		genuine := c.jar["session"]
		for _, value := range []string{strings.Repeat("A", 900_000), genuine + strings.Repeat("A", 900_000), strings.Repeat(genuine, 7000)} {
			c.jar["session"] = value
			w.wantTrips(t, 0, func() { c.wantState("empty") })
		}
	})
}

// sendCookies sends n copies of the cookie pair and then last, and returns the status and
// the body.
func sendCookies(t *testing.T, url, pair string, n int, last string) (int, string) {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, pair+"; ", i)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", b.String()+last)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// The Manager remembers a verified cookie, but not the header of up to a megabyte that it
// came in.
func TestProvenCookiesKeepNoHeaders(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	w := newWorld(t)
	h := w.m.HandlerFunc(httpReading)
	const visitors, others = 100, 512 << 10
	before := heap()
	for range visitors {
		c := w.client()
		c.post(set("a=1")).wantPage(t)
		httpServeTo(h, "session="+c.jar["session"]+"; x="+strings.Repeat("y", others))
	}
	if grown := heap() - before; grown > visitors*others/4 {
		t.Errorf("%d bytes are kept of %d visitors", grown, visitors)
	}
	runtime.KeepAlive(h)
}
