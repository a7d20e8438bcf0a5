package envelope_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

func TestLabels(t *testing.T) {
	var none envelope.Labels
	b, a, again := envelope.Label{Name: "b", Value: "2"}, envelope.Label{Name: "a", Value: "1"}, envelope.Label{Name: "b", Value: "3"}
	both := none.With(b).With(a)
	if both != none.With(a).With(b) {
		t.Error("the encoding depends on the order")
	}
	if got := slices.Collect(both.All()); !slices.Equal(got, []envelope.Label{a, b}) || both.Len() != 2 {
		t.Errorf("%+v, %d", got, both.Len())
	}
	if both.Find("b") != "2" || both.Find("c") != "" || none.Find("a") != "" {
		t.Error("a label was not found, or another one was")
	}
	if got := both.With(again); got.Find("b") != "3" || got.Len() != 2 {
		t.Errorf("%q", got)
	}
	if got := both.With(envelope.Label{Name: "b"}); got != none.With(a) {
		t.Errorf("%q", got)
	}
}

// Labels and leases are fields of one session.
func TestLabelsAreKeptWithOtherFields(t *testing.T) {
	s := leased(live("k"), "token")
	leases := s.Fields.Leases()
	labels := envelope.Labels("").With(envelope.Label{Name: "tenant", Value: "acme"})
	s.Fields = s.Fields.WithLabels(labels)
	_, data := s.encode()
	e, err := envelope.Decode(id, data)
	if err != nil {
		t.Fatal(err)
	}
	if e.Fields.Labels() != labels || e.Fields.Leases() != leases {
		t.Errorf("labels %q, leases %q", e.Fields.Labels(), e.Fields.Leases())
	}
	if got := e.Fields.WithLabels(""); got != envelope.Fields("").WithLeases(leases) {
		t.Errorf("without labels: %q", got)
	}
}

// One state has one encoding.
func TestMalformedLabels(t *testing.T) {
	good := string(envelope.Labels("").With(envelope.Label{Name: "a", Value: "1"}))
	for name, labels := range map[string]string{
		"cut":            good[:len(good)-1],
		"a byte more":    good + "\x00",
		"twice the same": good + good,
		"no name":        "\x00\x011",
		"no value":       "\x01a\x00",
		"descending":     "\x01b\x011" + good,
	} {
		s := live("k")
		s.Fields = envelope.Fields("").WithLabels(envelope.Labels(labels))
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
