package broadcast

import (
	"crypto/sha256"

	"github.com/holdfast-go/holdfast/provider"
)

// Tag names a record or a lease in a message. That of a record is a part of a hash of its
// ID, so that a reader of messages learns no ID; two records may have the same one. That of
// a lease is the random name of its holder.
type Tag [8]byte

// TagOf returns the tag of the record of that ID.
func TagOf(id string) Tag {
	sum := sha256.Sum256([]byte(id))
	return Tag(sum[:len(Tag{})])
}

// Kind says what a message tells of its tags. It is the first byte of the message. A
// receiver ignores a kind that it does not know, so that a later version may send others
// beside these.
type Kind byte

// The kinds of messages.
const (
	Ended    Kind = 1 // the sessions of the records with these tags have ended
	Released Kind = 2 // the holders that are named by these tags have released their leases
)

// maxTags is the maximum number of tags in a message.
const maxTags = (provider.MaxMessageLength - 1) / len(Tag{})

// encode returns the message of that kind with 1 to maxTags tags.
func encode(kind Kind, tags []Tag) []byte {
	message := make([]byte, 1, 1+len(tags)*len(Tag{}))
	message[0] = byte(kind)
	for _, tag := range tags {
		message = append(message, tag[:]...)
	}
	return message
}

// Decode returns the kind of a message and its tags. It returns no tags for a message of an
// unknown kind, and for one that is malformed.
func Decode(message []byte) (Kind, []Tag) {
	if len(message) == 0 {
		return 0, nil
	}
	kind, message := Kind(message[0]), message[1:]
	if kind != Ended && kind != Released || len(message)%len(Tag{}) != 0 {
		return kind, nil
	}
	tags := make([]Tag, len(message)/len(Tag{}))
	for i := range tags {
		tags[i] = Tag(message[i*len(Tag{}):])
	}
	return kind, tags
}
