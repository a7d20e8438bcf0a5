package keyring

// The record's bytes, for tests that write a ring by hand: dated ahead, full.
var (
	Encode = encode
	Decode = decode
)
