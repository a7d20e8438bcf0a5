package envelope_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// Each bound of what is decoded, from both sides.
func TestTheEndOfTime(t *testing.T) {
	last := math.MaxInt64 / int64(time.Millisecond)
	for ms, taken := range map[int64]bool{0: true, last: true, last + 1: false} {
		data := envelope.Bind((&envelope.Envelope{Created: envelope.Time(ms), Started: begin}).Encode(0, nil, new(envelope.Entries), nil), id)
		if _, err := envelope.Decode(id, data); (err == nil) != taken || err != nil && !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%d ms: %v; want it taken: %t", ms, err, taken)
		}
	}
}

func TestAHistoryOfExactlyTheLimit(t *testing.T) {
	var history envelope.History
	versions := []int64{0}
	for range envelope.HistoryLimit + 1 {
		last := versions[len(versions)-1]
		history, versions = push(history, last), append(versions, envelope.NextVersion(last))
	}
	e := envelope.Envelope{Created: begin, Started: begin}
	last := versions[len(versions)-1]
	data := envelope.Bind(e.Encode(envelope.NextVersion(last), history, new(envelope.Entries), nil), id)
	got, err := envelope.Decode(id, data)
	if err != nil || len(got.History) != len(history) {
		t.Fatalf("%d bytes of history, %v; want %d", len(got.History), err, len(history))
	}
	for back, want := range map[int]envelope.Lineage{envelope.HistoryLimit: envelope.Ancestor, envelope.HistoryLimit + 1: envelope.OutOfReach} {
		if got := history.Trace(last, versions[len(versions)-1-back]); got != want {
			t.Errorf("a commit %d versions back: %v, want %v", back, got, want)
		}
	}
}

func TestValidVersions(t *testing.T) {
	for v, want := range map[int64]bool{
		0: false, 1<<32 - 1: false, 1 << 32: true, 1<<32 | math.MaxUint32: true,
		math.MaxInt32<<32 - 1: true, math.MaxInt32 << 32: false, -1: false, math.MinInt64: false,
	} {
		if got := envelope.ValidVersion(v); got != want {
			t.Errorf("%#x: %t", v, got)
		}
	}
}
