package linearizable

import (
	"github.com/anishathalye/porcupine"
)

// A call is what a client asks of the provider.
type call struct {
	verb    verb
	id      string
	version int64 // of the record to save
	expect  int64 // as in Provider.Save
	expired bool  // the record to save is
}

type verb string

const (
	fetch  verb = "Fetch"
	save   verb = "Save"
	remove verb = "Delete"
)

// A result is what the provider answers.
type result struct {
	outcome outcome
	tells   bool  // what was there:
	found   int64 // its version, 0 for nothing
}

type outcome string

const (
	done     outcome = "done"
	conflict outcome = "conflict"
	unknown  outcome = "unknown"
)

// step is the law of provider.Provider for one record. Its state is the version
// that is stored, which stands for all of the record, since no two have the same;
// 0 is none.
//
// A call of unknown outcome takes effect here, if it may. That it perhaps had none
// is in the history, where it does not end before all others: its place may be
// after them, and there its effect shows to nobody.
func step(stored int64, c call, r result) (lawful bool, next int64) {
	if r.tells && r.found != stored {
		return false, stored
	}
	switch c.verb {
	case fetch:
		return true, stored
	case remove:
		return true, 0
	}
	allowed := c.expect < 0 || c.expect == stored
	earlier := c.version == stored // an attempt of this very Save has landed
	switch {
	case r.outcome == conflict:
		return !allowed && !earlier, stored
	case allowed && c.expired:
		return true, 0
	case allowed:
		return true, c.version
	}
	return earlier || r.outcome == unknown, stored
}

var model = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		lawful, next := step(state.(int64), input.(call), output.(result))
		return lawful, next
	},
	Hash:              func(state any) uint64 { return uint64(state.(int64)) },
	Partition:         byRecord,
	DescribeOperation: func(input, output any) string { return describe(input.(call), output.(result)) },
	DescribeState:     func(state any) string { return name(state.(int64)) },
}

// byRecord parts a history, for the law is about each record alone.
func byRecord(all []porcupine.Operation) (parts [][]porcupine.Operation) {
	index := map[string]int{}
	for _, op := range all {
		id := op.Input.(call).id
		i, ok := index[id]
		if !ok {
			i = len(parts)
			index[id], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}
