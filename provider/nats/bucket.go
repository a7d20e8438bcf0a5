package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// createTimeout is that of CreateBucket if its context has no deadline: several replicas
// first have to elect a leader.
const createTimeout = 30 * time.Second

// answerTimeout is how long CreateBucket waits for one answer before it asks again.
const answerTimeout = 2 * time.Second

func (p *Provider) stream() string { return "KV_" + p.bucket }

// Bucket returns the name of the bucket.
func (p *Provider) Bucket() string { return p.bucket }

// CreateBucket creates the bucket unless it exists. Any number of instances may call it
// concurrently, whenever they start. If the context has no deadline, it ends after 30
// seconds.
//
// It returns an error if the bucket exists but cannot be used, for example because it
// limits the age of all keys, or if the server is older than 2.11.
func (p *Provider) CreateBucket(ctx context.Context) error {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, createTimeout)
		defer cancel()
	}
	if err := p.connected(); err != nil {
		return p.explain(ctx, err)
	}
	stream, err := p.ensureStream(ctx)
	if err != nil {
		return p.explainBucket(ctx, err)
	}
	if faults := p.faults(stream.CachedInfo().Config); len(faults) > 0 {
		return fmt.Errorf("nats: bucket %q exists, but is not as it should be: %s; change the stream %s, or choose another bucket", p.bucket, strings.Join(faults, ", "), p.stream())
	}
	return nil
}

// ensureStream returns the stream of the bucket, which it creates unless it exists. A
// cluster that has not elected the leader of a stream leaves some requests without an
// answer, so ensureStream asks again until ctx ends.
func (p *Provider) ensureStream(ctx context.Context) (jetstream.Stream, error) {
	for {
		stream, err := p.tryStream(ctx)
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return stream, err
		}
	}
}

func (p *Provider) tryStream(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	stream, err := p.js.Stream(ctx, p.stream())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return p.createStream(ctx)
	}
	return stream, err
}

// createStream creates the stream of the bucket. If another instance has created the same
// one in the meantime, that is returned.
func (p *Provider) createStream(ctx context.Context) (jetstream.Stream, error) {
	return p.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:              p.stream(),
		Subjects:          []string{p.subjects(">")},
		Description:       "sessions of Holdfast",
		Storage:           jetstream.FileStorage,
		Replicas:          max(1, p.replicas),
		Discard:           jetstream.DiscardNew,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxConsumers:      -1,
		MaxMsgSize:        -1,
		MaxMsgsPerSubject: 1,
		AllowMsgTTL:       true,
		AllowRollup:       true, // as every bucket has it
		DenyDelete:        true, // as every bucket has it
		// Not AllowDirect: any replica would answer, also one that is behind.
	})
}

// faults returns what is wrong with the stream of the bucket.
func (p *Provider) faults(cfg jetstream.StreamConfig) (faults []string) {
	add := func(wrong bool, fault string) {
		if wrong {
			faults = append(faults, fault)
		}
	}
	add(!slices.Contains(cfg.Subjects, p.subjects(">")), "it does not have the subjects "+p.subjects(">"))
	add(!cfg.AllowMsgTTL, "it does not allow a TTL for each message (allow_msg_ttl), which NATS 2.11 and later can")
	add(cfg.MaxAge > 0, "it limits the age of all messages (max_age)")
	add(cfg.MaxMsgsPerSubject != 1, "it keeps a history of keys (max_msgs_per_subject)")
	add(cfg.Discard != jetstream.DiscardNew, "it discards old messages when it is full (discard)")
	add(cfg.AllowDirect, "other replicas than the leader answer reads (allow_direct)")
	add(cfg.NoAck, "it does not acknowledge messages (no_ack)")
	add(cfg.Mirror != nil || len(cfg.Sources) > 0, "it copies another stream")
	add(p.replicas > 0 && cfg.Replicas != p.replicas, fmt.Sprintf("it has %d replicas, not %d", cfg.Replicas, p.replicas))
	return faults
}

// explainBucket converts an error of package jetstream.
func (p *Provider) explainBucket(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return p.explain(ctx, p.unsentOf(err))
	}
	return p.explain(ctx, &apiError{Code: int(answer.ErrorCode), Description: answer.Description})
}
