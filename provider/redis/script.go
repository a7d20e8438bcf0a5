package redis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding"
	"encoding/hex"
	"errors"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed save.lua
var script string

// A scriptCall is a command that runs the script, and its first argument. Both are strings,
// which do not have to be converted for each call.
type scriptCall struct{ command, script any }

var (
	callLoaded = func() scriptCall { // of a server that has loaded the script, by its name there
		sum := sha1.Sum([]byte(script))
		return scriptCall{"evalsha", hex.EncodeToString(sum[:])}
	}()
	callSent = scriptCall{"eval", script}
)

// A change is one call of the script, which documents the strings. It is not modified,
// because the client may use it after the call was given up.
type change struct {
	id, key      string
	value        []byte
	expect, pxat string
}

const (
	expectNone = ""
	expectAny  = "any"
)

var changed any = int64(1) // the reply if the change is made

func expectation(version int64) string {
	switch {
	case version < 0:
		return expectAny
	case version == 0:
		return expectNone
	default:
		return magic + encodeVersion(version)
	}
}

// apply makes the change with one call of the script.
func (p *Provider) apply(ctx context.Context, c *change) error {
	reply, err := p.call(ctx, c, callLoaded)
	if err != nil && goredis.HasErrorPrefix(err, "NOSCRIPT") { // after a restart or a failover
		reply, err = p.call(ctx, c, callSent)
	}
	switch {
	case errors.Is(err, goredis.Nil):
		return conflictError(nil)
	case err != nil:
		return p.changeFailure(ctx, c.key, err)
	case reply == changed:
		return nil
	}
	value, _ := reply.(string)
	current, err := decode(c.id, []byte(value))
	if err != nil {
		return err
	}
	return conflictError(current)
}

func (p *Provider) call(ctx context.Context, c *change, sc scriptCall) (reply any, err error) {
	value := &parcel{bytes: c.value}
	cmd := once{goredis.NewCmd(ctx, sc.command, sc.script, 1, &c.key, value, &c.expect, &c.pxat)}
	cmd.SetFirstKeyPos(3)
	if p.replicas.count > 0 {
		err = p.await(ctx, func() error { return p.replicas.process(ctx, p.client, c.key, cmd) })
	} else {
		err = p.process(ctx, cmd)
	}
	switch {
	case err == nil:
		return cmd.Val(), nil
	case value.keep():
		return nil, &unsent{err}
	default:
		return nil, err
	}
}

// once is a command that go-redis must not send again by itself. Of two attempts the
// first may have been stored and replaced since. The second then conflicts, and would
// deny a change that was made.
type once struct{ *goredis.Cmd }

var (
	_ goredis.Cmder            = once{}
	_ encoding.BinaryMarshaler = (*parcel)(nil)
)

// NoRetry implements goredis.Cmder.
func (once) NoRetry() bool { return true }

// A parcel is an argument of a command that records whether the command was sent: the
// client asks for the bytes when it begins to write the command to a connection.
type parcel struct {
	bytes []byte
	state atomic.Int32
}

// The states of a parcel. A new one is neither.
const (
	sent = 1 + iota
	kept
)

// MarshalBinary implements encoding.BinaryMarshaler. It fails for a call that was given
// up: the client may still have been waiting for a connection.
func (v *parcel) MarshalBinary() ([]byte, error) {
	if !v.state.CompareAndSwap(0, sent) && v.state.Load() == kept {
		return nil, errGivenUp
	}
	return v.bytes, nil
}

// keep reports whether the bytes were not sent; they will then never be sent.
func (v *parcel) keep() bool { return v.state.CompareAndSwap(0, kept) }

// String hides the record from tools that trace commands.
func (v *parcel) String() string { return "record" }
