package broadcast_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

func TestMessageFitsTheLimit(t *testing.T) {
	if n := len(broadcast.Encode(make([]broadcast.Tag, broadcast.MaxTags))); n > provider.MaxMessageLength {
		t.Errorf("the longest message has %d bytes", n)
	}
	if broadcast.MaxTags < 100 {
		t.Errorf("%d tags fit; want 100 or more", broadcast.MaxTags)
	}
}

func TestTagsAreDecoded(t *testing.T) {
	for _, n := range []int{1, 2, broadcast.MaxTags} {
		tags := make([]broadcast.Tag, n)
		for i := range tags {
			tags[i] = broadcast.TagOf(fmt.Sprint(i))
		}
		if got := tagsOf(broadcast.Encode(tags)); !slices.Equal(got, tags) {
			t.Errorf("%d tags: got %x, want %x", n, got, tags)
		}
	}
}

// Instances of two versions run at the same time, so this must not change.
func TestFormatOfAMessage(t *testing.T) {
	const id = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	want := append([]byte{1}, 0x5a, 0x1b, 0x9b, 0xcd, 0xdb, 0xfd, 0xcf, 0x24)
	if got := broadcast.Encode([]broadcast.Tag{broadcast.TagOf(id)}); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	want[0] = 2
	if got := broadcast.EncodeReleased([]broadcast.Tag{broadcast.TagOf(id)}); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// A reader of the messages learns no ID, and no part of one.
func TestTagHasNoPartOfTheID(t *testing.T) {
	const id = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	tag := broadcast.TagOf(id)
	for i := range len(id) - 2 {
		if strings.Contains(string(tag[:]), id[i:i+3]) {
			t.Errorf("the tag %q contains %q", tag, id[i:i+3])
		}
	}
	if broadcast.TagOf(id[1:]) == tag {
		t.Error("another ID has the same tag")
	}
}

func TestMalformedMessagesHaveNoTags(t *testing.T) {
	message := broadcast.Encode([]broadcast.Tag{broadcast.TagOf("a"), broadcast.TagOf("b")})
	for n := range len(message) {
		want := 0
		if n == 9 {
			want = 1 // the message with one tag
		}
		if got := tagsOf(message[:n]); len(got) != want {
			t.Errorf("the first %d bytes: %d tags", n, len(got))
		}
	}
	for _, kind := range []byte{0, 3, 0xff} {
		if got := tagsOf(append([]byte{kind}, message[1:]...)); got != nil {
			t.Errorf("kind %d: %d tags", kind, len(got))
		}
	}
}

// tagsOf returns the tags in a message about ended sessions.
func tagsOf(message []byte) []broadcast.Tag {
	if kind, tags := broadcast.Decode(message); kind == broadcast.Ended {
		return tags
	}
	return nil
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1})
	f.Add(broadcast.Encode([]broadcast.Tag{broadcast.TagOf("a")}))
	f.Add(bytes.Repeat([]byte{1}, provider.MaxMessageLength))
	f.Fuzz(func(t *testing.T, message []byte) {
		if tags := tagsOf(message); len(tags) > 0 && !bytes.Equal(broadcast.Encode(tags), message) {
			t.Errorf("%x is decoded as %x", message, tags)
		}
	})
}
