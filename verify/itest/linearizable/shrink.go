package linearizable

import (
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// shrink returns less of a history that breaks the promise and still does: no more
// than one record, what was before it broke, and the reads that matter. All of that
// could have happened as well; without a write it could not.
func shrink(all []porcupine.Operation) []porcupine.Operation {
	for _, part := range byRecord(all) {
		if breaks(part) {
			all = part
			break
		}
	}
	all = shortest(all)
	for i := len(all) - 1; i >= 0; i-- {
		without := slices.Delete(slices.Clone(all), i, i+1)
		if isRead(all[i]) && !isFound(without, all[i].Input.(call).version) && breaks(without) {
			all = without
		}
	}
	return all
}

func breaks(history []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(model, history, 10*time.Second) == porcupine.Illegal
}

// isRead reports whether a call has changed nothing for certain.
func isRead(op porcupine.Operation) bool {
	return op.Input.(call).verb == fetch || op.Output.(result).outcome == conflict
}

// isFound reports whether some call has found the version, which its Save is to
// explain to whoever reads the history.
func isFound(history []porcupine.Operation, version int64) bool {
	return version != 0 && slices.ContainsFunc(history, func(op porcupine.Operation) bool {
		r := op.Output.(result)
		return r.tells && r.found == version
	})
}

// shortest returns the shortest beginning that breaks the promise, in order of time.
func shortest(all []porcupine.Operation) []porcupine.Operation {
	slices.SortFunc(all, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	ends := make([]int64, len(all))
	for i, op := range all {
		ends[i] = op.Return
	}
	slices.Sort(ends)
	for _, end := range ends {
		if beginning := until(end, all); breaks(beginning) {
			return beginning
		}
	}
	return all
}

// until returns what was known of a history at a time.
func until(now int64, all []porcupine.Operation) (some []porcupine.Operation) {
	for _, op := range all {
		switch {
		case op.Return <= now:
		case op.Call > now, isRead(op):
			continue
		default:
			op.Output, op.Return = result{outcome: unknown}, math.MaxInt64
		}
		some = append(some, op)
	}
	return some
}
