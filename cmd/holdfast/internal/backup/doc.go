// Package backup writes the records of a store to a file, and reads them.
//
// # The format
//
// A backup is a stream of bytes that begins with
//
//	89 48 46 42 0d 0a 1a 0a   (\x89 H F B \r \n \x1a \n)
//
// Frames follow until the end. A frame is
//
//	4 bytes   the length n of the content, big-endian
//	1 byte    the kind
//	n bytes   the content
//	4 bytes   the CRC-32C of kind and content, big-endian
//
// The first frame is of kind 'H', with the Header as JSON. Its field version is 1 for the
// format described here. A reader refuses a version that it does not know. Further fields
// may be added to the JSON without a new version; readers ignore those that they do not
// know.
//
// Each frame of kind 'R' has one record:
//
//	uvarint, bytes   the length of the ID, and the ID
//	varint           Version
//	varint           ExpiresAt as provider.Millis has it; 0: never
//	uvarint, bytes   the length of the Format, and the Format
//	bytes            Data, until the end of the content
//
// Varints are those of encoding/binary. The last frame is of kind 'E'. Its content is
// encoded as that of a record, with the ID "holdfast-backup/end", the Version 1, the
// Format "json", and as Data
//
//	{"sha256": that of all bytes before this frame, in base64}
//
// Nothing follows it. A file without this frame is not a whole backup.
//
// If the field sealed of the header is true, the records of all frames R and E are sealed
// by package provider/sealed. The record of the frame E is then a proof that the file was
// written by somebody who has a key, and is as it was written: frames that were removed,
// repeated or exchanged change the SHA-256.
//
// # Duplicates
//
// The records are in the order of the listing that they are from. A record that has
// changed during the listing may be in the file twice.
package backup
