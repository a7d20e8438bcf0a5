package httpstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Provider implements provider.Provider as a client of a Handler, or of another server of
// the protocol. Make one with New; the zero Provider cannot be used. It is safe for
// concurrent use.
type Provider struct {
	base      string // scheme, host and path before recordsPath
	header    string // Authorization; empty: none
	transport *http.Transport
	streams   *http.Transport // of Listen, which must not use up the connections
	silence   time.Duration
}

var _ provider.Provider = (*Provider)(nil)

// Options configure a Provider in New. The zero Options are for a server that needs no
// token.
type Options struct {
	// Token is sent to the server with each request.
	Token string

	// TLS configures the connections of https:// URLs: a certificate authority of your own
	// (RootCAs), or a certificate of the client for mutual TLS. Nil means the defaults of
	// crypto/tls. New copies it.
	TLS *tls.Config

	// MaxConns limits the connections to the server, idle ones included. A call waits for
	// one until its context ends. Zero means no limit. An HTTP/2 connection serves many
	// calls at the same time.
	MaxConns int

	// PlainHTTP admits an http:// URL of another machine, where whoever can read the
	// network's traffic can read the token and all sessions.
	PlainHTTP bool
}

// New returns a provider that keeps its records in the server with this URL:
//
//	https://host/path
//	http://localhost:8090
//	unix:///path/to/socket
//
// The path is that under which the server serves the protocol, and may be empty. New does
// no I/O: a server that cannot be reached is reported by the first call. Its errors
// contain neither the URL nor the token. Close the provider when it is no longer used.
func New(url string, options Options) (*Provider, error) {
	target, err := parseURL(url, options)
	if err != nil {
		return nil, err
	}
	p := &Provider{base: target.base, transport: newTransport(target.socket, options), silence: silence}
	options.MaxConns = 0
	p.streams = newTransport(target.socket, options)
	if options.Token != "" {
		if err := checkToken(options.Token); err != nil {
			return nil, err
		}
		p.header = "Bearer " + options.Token
	}
	return p, nil
}

// Close closes the connections that are idle. Calls that are running end normally; cancel
// the context of a Listen.
func (p *Provider) Close() error {
	p.transport.CloseIdleConnections()
	p.streams.CloseIdleConnections()
	return nil
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "httpstore", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	reply, err := p.call(ctx, call{method: http.MethodGet, path: pathOf(id)})
	if err != nil {
		return nil, err
	}
	if reply.status != http.StatusOK {
		return nil, reply.failure(id)
	}
	rec, err := parseRecord(reply.header, id, reply.body)
	if err != nil {
		return nil, errGarbled
	}
	return rec, nil
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError if it is one
// in the server.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "httpstore", rec.Validate(expectVersion)); err != nil {
		return err
	}
	header := make(http.Header, 10)
	setContent(header, rec)
	header.Set(headerVersion, strconv.FormatInt(rec.Version, 10))
	switch {
	case expectVersion == 0:
		header.Set("If-None-Match", absent)
	case expectVersion > 0:
		header.Set("If-Match", encodeTag(expectVersion))
	}
	if provider.UsesReserve(ctx) {
		header.Set(headerReserve, "true")
	}
	return p.change(ctx, call{method: http.MethodPut, path: pathOf(rec.ID), header: header, data: rec.Data}, rec.ID)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "httpstore", provider.ValidateID(id)); err != nil {
		return err
	}
	return p.change(ctx, call{method: http.MethodDelete, path: pathOf(id)}, id)
}

// change makes a call that changes the record.
func (p *Provider) change(ctx context.Context, c call, id string) error {
	reply, err := p.call(ctx, c)
	switch {
	case err != nil:
		return err
	case reply.status == http.StatusNoContent, reply.status == http.StatusOK, reply.status == http.StatusCreated:
		return nil
	case reply.kind == kindConflict.name:
		return reply.conflict(id)
	default:
		return reply.failure(id)
	}
}

func pathOf(id string) string { return recordsPath + "/" + encodeID(id) }

// dataReader returns data as the body of a request. The transport sends the body again
// if it has written nothing of it to a connection that the server has closed.
func dataReader(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}
