package linearizable

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// at is a call of one record at a time; end 0 is none.
func at(begin, end int64, c call, r result) porcupine.Operation {
	if end == 0 {
		end = math.MaxInt64
	}
	return porcupine.Operation{Input: c, Call: begin, Output: r, Return: end}
}

func over(expect, version int64) call { return call{verb: save, version: version, expect: expect} }

func found(version int64) result { return result{outcome: done, tells: true, found: version} }

func conflictWith(version int64) result {
	return result{outcome: conflict, tells: true, found: version}
}

var (
	read    = call{verb: fetch}
	erase   = call{verb: remove}
	success = result{outcome: done}
	refused = result{outcome: conflict}
	lost    = result{outcome: unknown}
)

var modelCases = []struct {
	rule    string
	history []porcupine.Operation
	lawful  bool
}{
	{"what is saved is found", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, read, found(5))}, true},
	{"what is saved is not overlooked", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, read, found(0))}, false},
	{"what is being saved is found or not", []porcupine.Operation{at(1, 6, over(0, 5), success), at(2, 3, read, found(0)), at(4, 5, read, found(5))}, true},
	{"what was found does not vanish", []porcupine.Operation{at(1, 6, over(0, 5), success), at(2, 3, read, found(5)), at(4, 5, read, found(0))}, false},
	{"of two creators one succeeds", []porcupine.Operation{at(1, 3, over(0, 5), success), at(2, 4, over(0, 6), success)}, false},
	{"a creator before a deletion, one after", []porcupine.Operation{at(1, 3, over(0, 5), success), at(1, 4, erase, success), at(2, 4, over(0, 6), success)}, true},
	{"of two successors one succeeds", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 5, over(5, 6), success), at(4, 6, over(5, 7), success)}, false},
	{"a conflict is with another version", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, over(5, 6), refused)}, false},
	{"a conflict is with what was there", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, over(4, 6), conflictWith(5))}, true},
	{"a conflict is not with what never was", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, over(4, 6), conflictWith(0))}, false},
	{"a save without a version has no conflict", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, over(-1, 6), refused)}, false},
	{"what had a conflict does not land", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, over(4, 6), refused), at(5, 6, read, found(6))}, false},
	{"an expired record leaves nothing", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, call{verb: save, version: 6, expect: 5, expired: true}, success), at(5, 6, read, found(0))}, true},
	{"an expired record does not leave the old one", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, call{verb: save, version: 6, expect: 5, expired: true}, success), at(5, 6, read, found(5))}, false},
	{"an expired record checks the version", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, call{verb: save, version: 6, expect: 4, expired: true}, success)}, false},
	{"what is lost has landed", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(3, 4, read, found(5))}, true},
	{"what is lost has not landed", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(3, 4, read, found(0))}, true},
	{"what is lost lands later", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(3, 4, read, found(0)), at(5, 6, read, found(5))}, true},
	{"what is lost lands but once", []porcupine.Operation{at(1, 0, over(-1, 5), lost), at(3, 4, read, found(5)), at(5, 6, erase, success), at(7, 8, read, found(5))}, false},
	{"what is lost obeys its version", []porcupine.Operation{at(1, 2, over(0, 4), success), at(3, 0, over(3, 5), lost), at(5, 6, read, found(5))}, false},
	{"a deletion that is lost may have happened", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 0, erase, lost), at(5, 6, read, found(0))}, true},
	{"a deletion that is lost may have not", []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 0, erase, lost), at(5, 6, read, found(5))}, true},
	{"a second attempt finds the first", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(3, 4, over(0, 5), success), at(5, 6, read, found(5))}, true},
	{"a second attempt has no conflict with the first", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(3, 4, over(0, 5), conflictWith(5))}, false},
	{"a second attempt has a conflict with a third party", []porcupine.Operation{at(1, 0, over(0, 5), lost), at(2, 3, over(5, 6), success), at(4, 5, over(0, 5), conflictWith(6))}, true},
}

func TestModel(t *testing.T) {
	for _, c := range modelCases {
		t.Run(c.rule, func(t *testing.T) {
			if got := porcupine.CheckOperations(model, c.history); got != c.lawful {
				t.Errorf("lawful: %v, want %v\n%v", got, c.lawful, &Violation{c.history})
			}
		})
	}
}

// Records do not get in each other's way.
func TestModelOfTwoRecords(t *testing.T) {
	other := over(0, 6)
	other.id = "other"
	if !porcupine.CheckOperations(model, []porcupine.Operation{at(1, 2, over(0, 5), success), at(3, 4, other, success)}) {
		t.Error("a record of another ID is in the way")
	}
}

// Of a long history the one call remains that cannot be, and what it takes to see that.
func TestShrink(t *testing.T) {
	var all []porcupine.Operation
	for i := range int64(20) {
		all = append(all, at(10*i+1, 10*i+2, over(i, i+1), success), at(10*i+3, 10*i+4, read, found(i+1)))
	}
	all[21].Output = found(3)
	least := shrink(all)
	if n := len(least); n != 12 || least[n-1].Output != found(3) {
		t.Errorf("%d calls are left, want 11 Saves and a Fetch:\n%v", n, &Violation{least})
	}
}
