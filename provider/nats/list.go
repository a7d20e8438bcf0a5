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
// keys, of all or of one part at a time, and for the records whose ID begins with prefix,
// one at a time: each takes a round trip to the leader of the bucket.
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
		count, err := p.count(ctx)
		if err != nil {
			yield("", err)
			return
		}
		ask := func(path string) (map[string]int, bool, error) { return p.names(ctx, p.subjects(path)) }
		for subject, err := range inParts(ask, levelFor(count)) {
			if err != nil {
				yield("", err)
				return
			}
			if id, ok := p.id(subject); ok && strings.HasPrefix(id, prefix) && !yield(id, nil) {
				return
			}
		}
	}
}

// maxNames is how many names the server lists in a reply. Since keys may be deleted
// meanwhile, there is no second reply about the same ones.
const maxNames = 100_000

// levelFor returns the level whose parts have few enough of count names for a reply each.
func levelFor(count int) (level int) {
	for ; level < levels && count > maxNames*9/10; level++ {
		count /= parts
	}
	return level
}

// askFunc returns the names of the keys that match a path, and whether these are all.
type askFunc func(path string) (names map[string]int, all bool, err error)

// inParts yields the names of all keys, by asking for those of each part of a level. If a
// part has too many for a reply, it asks for those of its own parts.
func inParts(ask askFunc, level int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var visit func(path string, depth int) bool
		visit = func(path string, depth int) bool {
			if depth >= level {
				names, all, err := ask(path + strings.Repeat("*.", levels-depth) + "*")
				switch {
				case err != nil:
					return yield("", err) && false
				case all:
					return yieldNames(names, yield)
				case depth == levels:
					return yield("", errTooMany) && false
				}
			}
			for n := range parts {
				if !visit(path+part(n), depth+1) {
					return false
				}
			}
			return true
		}
		visit("", 0)
	}
}

func yieldNames(names map[string]int, yield func(string, error) bool) bool {
	for name := range names {
		if !yield(name, nil) {
			return false
		}
	}
	return true
}

// streamInfo is what the server says about the stream.
type streamInfo struct {
	Error *apiError `json:"error"`
	Total int       `json:"total"` // of the subjects that match
	State struct {
		Count    int            `json:"num_subjects"`
		Subjects map[string]int `json:"subjects"`
	} `json:"state"`
}

// info asks about the stream, and about the subjects that match a filter.
func (p *Provider) info(ctx context.Context, filter string) (streamInfo, error) {
	var answer streamInfo
	request := map[string]string{}
	if filter != "" {
		request["subjects_filter"] = filter
	}
	err := p.api(ctx, "STREAM.INFO."+p.stream(), request, &answer)
	if err == nil && answer.Error != nil {
		err = p.explain(ctx, answer.Error)
	}
	return answer, err
}

// count returns the number of keys.
func (p *Provider) count(ctx context.Context) (int, error) {
	answer, err := p.info(ctx, "")
	return answer.State.Count, err
}

// names returns the subjects that match a filter, as the keys of a map, and whether these
// are all.
func (p *Provider) names(ctx context.Context, filter string) (names map[string]int, all bool, err error) {
	answer, err := p.info(ctx, filter)
	return answer.State.Subjects, answer.Total <= len(answer.State.Subjects), err
}
