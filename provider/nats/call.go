package nats

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/provider"
)

// callTimeout is that of a call whose context has no deadline.
const callTimeout = 5 * time.Second

// request sends a message and returns the reply. If the connection is lost, no reply can
// come any more.
func (p *Provider) request(ctx context.Context, m *natsclient.Msg) (*natsclient.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeoutOf(ctx))
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	lost := p.conn.StatusChanged(natsclient.DISCONNECTED, natsclient.RECONNECTING, natsclient.CLOSED)
	defer p.conn.RemoveStatusListener(lost)
	if err := p.connected(); err != nil {
		return nil, err
	}
	go func() {
		select {
		case <-lost:
			giveUp(errLost)
		case <-ctx.Done():
		}
	}()
	reply, err := p.conn.RequestMsgWithContext(ctx, m)
	if err != nil && context.Cause(ctx) == errLost {
		return nil, errLost
	}
	return reply, p.unsentOf(err)
}

// callTimeoutOf returns how long a call may take: what is left of its context's time.
func callTimeoutOf(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return callTimeout
}

// apiError is JetStream's error in a reply.
type apiError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return e.Description + " (" + strconv.Itoa(e.Code) + ")" }

// publish stores a message. A header may say after which message of its subject.
func (p *Provider) publish(ctx context.Context, m *natsclient.Msg) error {
	reply, err := p.request(ctx, m)
	if err != nil {
		return p.explainWrite(ctx, err)
	}
	var ack struct {
		Error  *apiError `json:"error"`
		Stream string    `json:"stream"`
	}
	switch err := json.Unmarshal(reply.Data, &ack); {
	case err != nil || ack.Error == nil && ack.Stream == "":
		return errGarbled
	case ack.Error != nil:
		return p.explainWrite(ctx, ack.Error)
	case ack.Stream != p.stream():
		return errOtherStream
	}
	return nil
}

// publishAfter is publish if the last message of the subject is that of the sequence
// number, 0 for none.
func (p *Provider) publishAfter(ctx context.Context, m *natsclient.Msg, sequence uint64) error {
	m.Header.Set(headerExpect, strconv.FormatUint(sequence, 10))
	return p.publish(ctx, m)
}

// A stored message is the last one of a subject, or none.
type stored struct {
	Sequence uint64 `json:"seq"` // 0: there is none
	Headers  []byte `json:"hdrs"`
	Data     []byte `json:"data"`
}

// read returns the last message of a subject. The request is one that only the leader of the stream answers.
func (p *Provider) read(ctx context.Context, subject string) (stored, error) {
	var answer struct {
		Error   *apiError `json:"error"`
		Message *stored   `json:"message"`
	}
	err := p.api(ctx, "STREAM.MSG.GET."+p.stream(), map[string]string{"last_by_subj": subject}, &answer)
	switch {
	case err != nil:
		return stored{}, err
	case answer.Error != nil && answer.Error.Code == codeNoMessage:
		return stored{}, nil
	case answer.Error != nil:
		return stored{}, p.explain(ctx, answer.Error)
	case answer.Message == nil:
		return stored{}, errGarbled
	}
	return *answer.Message, nil
}

// api calls JetStream's API.
func (p *Provider) api(ctx context.Context, verb string, request, answer any) error {
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	m := natsclient.NewMsg(jetstream.DefaultAPIPrefix + verb)
	m.Data = text
	reply, err := p.request(ctx, m)
	if err != nil {
		return p.explain(ctx, err)
	}
	if json.Unmarshal(reply.Data, answer) != nil {
		return errGarbled
	}
	return nil
}

// live returns the record of a message; nil if there is none, or it has expired or was
// deleted.
func (s stored) live(id string, now time.Time) (*provider.Record, error) {
	if s.Sequence == 0 || s.isMarker() {
		return nil, nil
	}
	rec, err := decode(id, s.Data)
	if err != nil || rec.Expired(now) {
		return nil, err
	}
	return rec, nil
}

func (s stored) isMarker() bool {
	if len(s.Headers) == 0 {
		return false
	}
	header, err := natsclient.DecodeHeadersMsg(s.Headers)
	return err == nil && (header.Get(headerOperation) != "" || header.Get(headerReason) != "")
}
