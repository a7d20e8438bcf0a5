package broadcast

// These are for the tests.
const (
	MaxTags      = maxTags
	MaxQueued    = maxQueued
	FirstPause   = firstPause
	LongestPause = longestPause
)

// Encode is encode for ended sessions.
func Encode(tags []Tag) []byte { return encode(Ended, tags) }

// EncodeReleased is encode for leases.
func EncodeReleased(tags []Tag) []byte { return encode(Released, tags) }
