package httpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

// maxRestarts limits how often a List begins again because the server has forgotten its
// cursor.
const maxRestarts = 3

var errForgotten = fmt.Errorf("httpstore: the server has forgotten the listing %d times; are there several servers behind one address, of which the next page reached another?", maxRestarts+1)

// List implements provider.Lister. It reads a page with each request. If the server was
// restarted meanwhile, or has forgotten the listing because the loop took its time, List
// begins again and yields records for a second time. It yields an error that wraps
// errors.ErrUnsupported if the server's store cannot list its records.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "httpstore", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		cursor, restarts := "", 0
		for {
			recs, next, err := p.page(ctx, prefix, cursor)
			switch {
			case errors.Is(err, errCursorGone) && restarts < maxRestarts:
				restarts++
				cursor = ""
				continue
			case errors.Is(err, errCursorGone):
				err = errForgotten
			}
			if !yield(recs, err) || err != nil || next == "" {
				return
			}
			cursor = next
		}
	}
}

// page returns the records of a page and the cursor of the next one.
func (p *Provider) page(ctx context.Context, prefix, cursor string) ([]*provider.Record, string, error) {
	query := make(url.Values, 2)
	if prefix != "" {
		query.Set("prefix", encodeID(prefix))
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	path := recordsPath
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	reply, err := p.call(ctx, call{method: http.MethodGet, path: path})
	if err != nil {
		return nil, "", err
	}
	if reply.status != http.StatusOK {
		return nil, "", reply.failure(prefix)
	}
	return parsePage(reply.body)
}

func parsePage(body []byte) ([]*provider.Record, string, error) {
	var got page
	if err := json.Unmarshal(body, &got); err != nil {
		return nil, "", errGarbled
	}
	recs := make([]*provider.Record, len(got.Records))
	for i, r := range got.Records {
		rec, err := r.record()
		if err != nil {
			return nil, "", errGarbled
		}
		recs[i] = rec
	}
	return recs, got.Next, nil
}
