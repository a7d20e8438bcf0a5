package session

import "github.com/holdfast-go/holdfast/session/internal/txn"

// Isolation says which changes of parallel requests conflict. The levels are
// named as in database/sql.
type Isolation int

// The isolation levels, weakest first.
const (
	// LevelMerge keeps every key consistent by itself. A request conflicts if a key that it
	// read and then set, popped, deleted or cleared has changed in the meantime. Changes of
	// different keys are merged.
	LevelMerge Isolation = iota

	// LevelSerializable keeps the session consistent as a whole: a serial order explains
	// everything that committed requests read and wrote. A request that made a change
	// conflicts if a key it read, or the set of keys it listed, has changed in the meantime.
	// A read by an Update counts only if the request made another change after it.
	LevelSerializable

	// LevelStrict merges nothing: a request that made a change, including a logout,
	// conflicts if any key has changed in the meantime. Use of a session is not a change.
	LevelStrict
)

// The levels are those of package txn.
var _ = [1]struct{}{}[txn.Isolation(LevelStrict)-txn.LevelStrict]
