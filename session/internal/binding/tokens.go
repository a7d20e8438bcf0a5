package binding

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// grace is for requests under way. A token is still good for it after a newer one has
	// come in a request; a session is served for it after the registration without a token,
	// until the first one has come; a proof that comes twice within it gets the same token.
	grace = 30 * time.Second

	// leeway is how long a token is good after the browser has dropped its cookie, for
	// requests under way and clocks of instances that differ.
	leeway = 30 * time.Second
)

// tokenOf returns the token of that number, which is that of the refreshes before it. It
// can be computed again from the record, so a browser whose answer was lost, and one of two
// parallel requests with the same proof, get the same token.
func tokenOf(b *envelope.Binding, number uint64) string {
	mac := hmac.New(sha256.New, b.Secret[:])
	mac.Write(binary.BigEndian.AppendUint64([]byte("bound token"), number))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// newestOf returns the number of the newest token of b among tokens that is good at that
// time, and whether there is one.
func newestOf(b *envelope.Binding, tokens []string, now envelope.Time) (number uint64, ok bool) {
	if len(tokens) == 0 {
		return 0, false
	}
	if now.Before(b.Until) && IsNewest(b, tokens) {
		return b.Proofs, true
	}
	for _, t := range b.Earlier {
		if now.Before(t.Until) && contains(tokens, tokenOf(b, t.Number)) {
			return t.Number, true
		}
	}
	return 0, false
}

// IsNewest reports whether one of tokens is the newest one of b, for which the last proof
// was made.
func IsNewest(b *envelope.Binding, tokens []string) bool {
	return contains(tokens, tokenOf(b, b.Proofs))
}

// contains compares in constant time, so that the time does not show how much of a guess
// is right.
func contains(tokens []string, token string) bool {
	found := 0
	for _, t := range tokens {
		found |= subtle.ConstantTimeCompare([]byte(t), []byte(token))
	}
	return found == 1
}

// proven notes in state that the browser has proven that it has the key, with which the
// life of the newest token begins.
func (b *Binder) proven(state *envelope.Binding) {
	state.Proven = records.Now()
	state.Until = state.Proven.Add(b.opts.Interval + leeway)
}

// addToken notes in state that the browser has proven again that it has the key, and gets
// another token. The earlier tokens stay good until they end: the answer may be lost, and
// the browser then goes on with the token that it has. If there are too many, the oldest
// ends, but not the newest that has come in a request.
func (b *Binder) addToken(state *envelope.Binding) {
	now := records.Now()
	tokens := []envelope.TokenLife{{Number: state.Proofs, Until: state.Until}}
	tokens = slices.DeleteFunc(append(tokens, state.Earlier[:]...), func(t envelope.TokenLife) bool {
		return !now.Before(t.Until)
	})
	if last := len(tokens) - 1; last >= len(state.Earlier) {
		if tokens[last].Number+1 == state.Seen {
			last--
		}
		tokens = slices.Delete(tokens, last, last+1)
	}
	state.Earlier = [envelope.MaxEarlierTokens]envelope.TokenLife{}
	copy(state.Earlier[:], tokens)
	state.Proofs++
	b.proven(state)
}

// see notes in state that a request has come with the token of that number, as the first
// one. The browser has this token, so the one that it had before is good only for requests
// under way, and those before that one have ended.
func see(state *envelope.Binding, number uint64, now envelope.Time) {
	for i := range state.Earlier {
		switch t := &state.Earlier[i]; {
		case t.Number+1 < state.Seen:
			t.Until = records.Earlier(t.Until, now)
		case t.Number < number:
			t.Until = records.Earlier(t.Until, now.Add(grace))
		}
	}
	state.Seen = number + 1
}
