package nats

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

// List implements provider.Lister. The order is not defined. It asks for the names of the
// keys first, in 16 parts, and then for the records whose ID begins with prefix, one at a
// time: each takes a round trip to the leader of the bucket.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "nats", prefix, p.pages(ctx, prefix))
}

// pages yields pages of one record.
func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for id, err := range p.ids(ctx, prefix) {
			var page []*provider.Record
			if err == nil {
				page, err = p.page(ctx, id)
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// page returns the record of an ID, or none.
func (p *Provider) page(ctx context.Context, id string) ([]*provider.Record, error) {
	found, err := p.read(ctx, p.subject(id))
	if err != nil {
		return nil, err
	}
	rec, err := found.live(id, time.Now())
	if err != nil || rec == nil {
		return nil, err
	}
	return []*provider.Record{rec}, nil
}

// ids yields the IDs that begin with prefix, also those of deleted records that have left
// a marker.
func (p *Provider) ids(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for n := range parts {
			subjects, err := p.names(ctx, p.subjects(part(n)+".*"))
			if err != nil {
				yield("", err)
				return
			}
			for subject := range subjects {
				if id, ok := p.id(subject); ok && strings.HasPrefix(id, prefix) && !yield(id, nil) {
					return
				}
			}
		}
	}
}

// names returns the subjects that match a filter, as the keys of a map. The server lists
// 100,000 in a reply. Since others may be deleted meanwhile, there is no second reply.
func (p *Provider) names(ctx context.Context, filter string) (map[string]int, error) {
	var answer struct {
		Error *apiError `json:"error"`
		Total int       `json:"total"`
		Limit int       `json:"limit"`
		State struct {
			Subjects map[string]int `json:"subjects"`
		} `json:"state"`
	}
	err := p.api(ctx, "STREAM.INFO."+p.stream(), map[string]string{"subjects_filter": filter}, &answer)
	switch {
	case err != nil:
		return nil, err
	case answer.Error != nil:
		return nil, p.explain(ctx, answer.Error)
	case answer.Total > len(answer.State.Subjects):
		return nil, errTooMany
	}
	return answer.State.Subjects, nil
}
