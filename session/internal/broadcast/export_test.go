package broadcast

// These are for the tests.
const (
	MaxTags      = maxTags
	MaxQueued    = maxQueued
	FirstPause   = firstPause
	LongestPause = longestPause
)

// Encode is encode.
func Encode(tags []Tag) []byte { return encode(tags) }
