package session

import "github.com/holdfast-go/holdfast/session/internal/txn"

// Isolation says which changes of parallel requests conflict. The levels are
// named as in database/sql.
type Isolation int

// The isolation levels, weakest first.
const (
	// LevelMerge keeps every key right by itself. A request conflicts when a
	// key that it read and then set, popped, deleted or cleared has changed
	// meanwhile. Changes of different keys are merged.
	LevelMerge Isolation = iota

	// LevelSerializable keeps the session right as a whole: a serial order
	// explains everything that committed requests read and wrote. A request that
	// changed anything conflicts when a key it read, or the set of keys it listed,
	// has changed meanwhile. What an Update read counts only if the request made
	// another change after it.
	LevelSerializable

	// LevelStrict merges nothing: a request that changed anything, a logout
	// included, conflicts when any key has changed meanwhile. That a session
	// was merely used is no change.
	LevelStrict
)

// The levels are those of package txn.
var _ = [1]struct{}{}[txn.Isolation(LevelStrict)-txn.LevelStrict]
