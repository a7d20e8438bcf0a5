package admin

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode"

	"github.com/holdfast-go/holdfast/session"
)

// sessionBody is the data of the page of one session.
type sessionBody struct {
	*session.Info
	LabelNames []string
	Values     []valueRow
	Shown      bool // the values are shown
	Others     []row
	OthersErr  error
	More       int // sessions of the owner that are not among Others
}

// valueRow is the value of one key.
type valueRow struct {
	Name string
	Type string
	Size int
	Text string // only if the values are shown
	Cut  bool   // Text is not all of it
}

// shownOthers is the number of other sessions of the owner on the page of a session.
const shownOthers = 10

func (h *handler) session(r *request) {
	info, err := h.sessionNamed(r)
	if err != nil {
		h.failErr(r, err)
		return
	}
	h.showSession(r, info, false)
}

// showValues is the session's page with values, after the audit log has the entry.
func (h *handler) showValues(r *request, e Entry) {
	info, err := h.sessionNamed(r)
	if err == nil && info.PublicID != e.PublicID {
		err = session.ErrEnded
	}
	if err != nil {
		h.failErr(r, err)
		return
	}
	h.showSession(r, info, true)
}

func (h *handler) showSession(r *request, info *session.Info, values bool) {
	b := sessionBody{Info: info, LabelNames: slices.Sorted(maps.Keys(info.Labels)), Shown: values}
	for _, v := range info.Values {
		b.Values = append(b.Values, newValueRow(v, values))
	}
	if info.Owner != "" {
		b.Others, b.More, b.OthersErr = h.others(r, info)
	}
	h.render(r, http.StatusOK, "session", "Session "+shortID(info.PublicID), b)
}

// others returns the latest other sessions of the owner, and the number of further ones.
func (h *handler) others(r *request, info *session.Info) (others []row, more int, err error) {
	all, err := h.m.Sessions(r.Context(), info.Owner)
	if err != nil {
		h.log(r, err)
		return nil, 0, err
	}
	for _, s := range all {
		switch {
		case s.PublicID() == info.PublicID:
		case len(others) == shownOthers:
			more++
		default:
			others = append(others, rowOfSession(s))
		}
	}
	return others, more, nil
}

// newValueRow describes a value. It contains the value only if that is to be shown.
func newValueRow(v session.Value, shown bool) valueRow {
	row := valueRow{Name: v.Name, Size: len(v.Data)}
	value, err := v.Decode()
	row.Type = typeText(value)
	if err != nil {
		row.Type = "does not decode"
	}
	if !shown {
		return row
	}
	text, err := valueText(value, err)
	if err != nil {
		text = hex.EncodeToString(v.Data)
		row.Type += ", in hexadecimal"
	}
	row.Text, row.Cut = cut(text)
	return row
}

// typeText names the type of a decoded value.
func typeText(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "text"
	case []byte:
		return "bytes"
	case time.Time:
		return "time"
	case []any:
		return "list of " + fmt.Sprint(len(v))
	case map[string]any:
		return "map of " + fmt.Sprint(len(v))
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.Number:
		return "number"
	}
	return fmt.Sprintf("%T", value)
}

// valueText returns a value as JSON. It returns the error that it is given.
func valueText(value any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return "", err
	}
	return visible(string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))), nil
}

// visible replaces characters that are not seen, such as those that reverse the direction
// of a text, by their codes.
func visible(text string) string {
	var b bytes.Buffer
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", r)
		}
	}
	return b.String()
}

// maxShownValue is the number of bytes of a value that are shown.
const maxShownValue = 4 << 10

func cut(text string) (string, bool) {
	if len(text) <= maxShownValue {
		return text, false
	}
	return string(bytes.ToValidUTF8([]byte(text[:maxShownValue]), nil)), true
}

// Saved says how often the record was saved.
func (b sessionBody) Saved() string { return pluralText(int(b.Commits), "time") }

// Renewed reports whether the lifetime has begun again since the session began.
func (b sessionBody) Renewed() bool {
	return cmp.Compare(b.StartedAt.UnixMilli(), b.CreatedAt.UnixMilli()) > 0
}
