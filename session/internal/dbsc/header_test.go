package dbsc_test

import (
	"encoding/json"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/dbsc"
)

func TestHeadersOfAResponse(t *testing.T) {
	if got, want := dbsc.Registration("/bind/register", "abc="), `(ES256 RS256);path="/bind/register";challenge="abc="`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got, want := dbsc.Challenge(`a"b\`, "id"), `"a\"b\\";id="id"`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// Browsers send strings without the quotes that the draft has.
func TestItem(t *testing.T) {
	for value, want := range map[string]string{
		`abc`:         "abc",
		` abc `:       "abc",
		`abc;x=1`:     "abc",
		`abc ; x="1"`: "abc",
		`"abc"`:       "abc",
		`"abc";x=1`:   "abc",
		`"abc`:        "abc",
		``:            "",
		`"`:           "",
	} {
		if got := dbsc.Item(value); got != want {
			t.Errorf("%s: %q; want %q", value, got, want)
		}
	}
}

func TestSkipped(t *testing.T) {
	for value, want := range map[string]string{
		`quota_exceeded`: "quota_exceeded",
		`unreachable;session_identifier="1", quota_exceeded;session_identifier="2"`: "unreachable",
		`other, server_error`: "server_error",
		`other`:               "",
		``:                    "",
	} {
		if got := dbsc.Skipped([]string{value}); got != want {
			t.Errorf("%s: %q; want %q", value, got, want)
		}
	}
	if got := dbsc.Skipped([]string{"x", "unreachable"}); got != "unreachable" {
		t.Errorf("of two lines: %q", got)
	}
	if got := dbsc.Skipped(nil); got != "" {
		t.Errorf("of none: %q", got)
	}
}

func TestInstructions(t *testing.T) {
	i := dbsc.Instructions{ID: "1", RefreshURL: "/r", WholeSite: true, Cookie: "c", Attributes: "Path=/; Secure"}
	const want = `{"session_identifier":"1","refresh_url":"/r","scope":{"include_site":true},` +
		`"credentials":[{"type":"cookie","name":"c","attributes":"Path=/; Secure"}],"allowed_refresh_initiators":["*"]}`
	if got := string(i.JSON()); got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if !json.Valid(i.JSON()) {
		t.Error("no JSON")
	}
}
