package broadcast

import (
	"crypto/sha256"

	"github.com/holdfast-go/holdfast/provider"
)

// Tag names a record in a message. It is a part of a hash of the record's ID, so that a
// reader of messages learns no ID. Two records may have the same tag.
type Tag [8]byte

// TagOf returns the tag of the record of that ID.
func TagOf(id string) Tag {
	sum := sha256.Sum256([]byte(id))
	return Tag(sum[:len(Tag{})])
}

// A message is one byte, its kind, and what the kind says. A receiver ignores a kind that
// it does not know, so that a later version may send others beside this one.
//
//	1    the tags of records whose sessions have ended, 1 to maxTags
const kindEnded = 1

// maxTags is the maximum number of tags in a message.
const maxTags = (provider.MaxMessageLength - 1) / len(Tag{})

// encode returns the message about ended sessions with 1 to maxTags tags.
func encode(tags []Tag) []byte {
	message := make([]byte, 1, 1+len(tags)*len(Tag{}))
	message[0] = kindEnded
	for _, tag := range tags {
		message = append(message, tag[:]...)
	}
	return message
}

// Decode returns the tags in a message about ended sessions. It returns none for a
// message of another kind, and for one that is malformed.
func Decode(message []byte) []Tag {
	if len(message) == 0 || message[0] != kindEnded {
		return nil
	}
	message = message[1:]
	if len(message)%len(Tag{}) != 0 {
		return nil
	}
	tags := make([]Tag, len(message)/len(Tag{}))
	for i := range tags {
		tags[i] = Tag(message[i*len(Tag{}):])
	}
	return tags
}
