package httpstore

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// The protocol is described in docs/httpstore.md.
const (
	protocolVersion = "1"
	recordsPath     = "/v" + protocolVersion + "/records"
	messagesPath    = "/v" + protocolVersion + "/messages"

	headerProtocol = "Holdfast-Protocol" // of every answer
	headerVersion  = "Holdfast-Version"  // of the record in a PUT
	headerExpires  = "Holdfast-Expires"  // milliseconds since the Unix epoch; absent: never
	headerFormat   = "Holdfast-Format"   // percent-encoded; absent: empty
	headerTimeout  = "Holdfast-Timeout"  // milliseconds that the client waits
	headerReserve  = "Holdfast-Reserve"  // "true": the save may use the store's reserve
	headerCurrent  = "Holdfast-Current"  // what an answer 412 says about the stored record
	headerError    = "Holdfast-Error"    // the kind of an error
	headerOutcome  = "Holdfast-Outcome"  // of a change that has failed

	currentRecord  = "record"  // it is in the answer
	currentNone    = "none"    // there is none
	currentUnknown = "unknown" // the store does not tell

	outcomeNotSaved = "not-saved" // provider.ErrNotSaved
	outcomeRefused  = "refused"   // provider.ErrRefused

	contentData    = "application/octet-stream"
	contentPage    = "application/json"
	contentDone    = "application/json"
	contentProblem = "application/problem+json"

	absent = "*" // of If-None-Match
)

// encodeID returns an ID as a segment of a path. It consists of letters, digits, "-" and
// "_", so that no proxy decodes or normalizes it.
func encodeID(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// decodeID is the inverse of encodeID.
func decodeID(segment string) (string, error) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return string(id), err
}

func encodeTag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

var errNumber = errors.New("not a number as strconv.FormatInt writes it")

// parseInt accepts only the text that strconv.FormatInt returns.
func parseInt(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, errNumber
	}
	return n, nil
}

// decodeTag accepts a strong entity tag.
func decodeTag(tag string) (int64, error) {
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, errNumber
	}
	return parseInt(tag[1 : len(tag)-1])
}

// setContent sets the headers of a record's expiry and format.
func setContent(h http.Header, rec *provider.Record) {
	if ms := provider.Millis(rec.ExpiresAt); ms != 0 {
		h.Set(headerExpires, strconv.FormatInt(ms, 10))
	}
	if rec.Format != "" {
		h.Set(headerFormat, url.PathEscape(rec.Format))
	}
	h.Set("Content-Type", contentData)
}

// maxMillis is the end of the year 9999.
const maxMillis = 253402300799999

// getContent returns the expiry and the format of a record.
func getContent(h http.Header) (expiresAt time.Time, format string, err error) {
	if text := h.Get(headerExpires); text != "" {
		ms, err := parseInt(text)
		if err != nil || ms < 1 || ms > maxMillis {
			return time.Time{}, "", errors.New(headerExpires + " is not a number of milliseconds from 1 to 253402300799999")
		}
		expiresAt = provider.FromMillis(ms)
	}
	if format, err = url.PathUnescape(h.Get(headerFormat)); err != nil {
		return time.Time{}, "", errors.New(headerFormat + " is not percent-encoded")
	}
	return expiresAt, format, nil
}

// parseRecord returns the record of an answer whose body is data.
func parseRecord(h http.Header, id string, data []byte) (*provider.Record, error) {
	// A proxy that changes the encoding of a body makes its tag a weak one.
	version, err := decodeTag(strings.TrimPrefix(h.Get("Etag"), "W/"))
	if err != nil {
		return nil, err
	}
	expiresAt, format, err := getContent(h)
	if err != nil {
		return nil, err
	}
	return &provider.Record{ID: id, Version: version, ExpiresAt: expiresAt, Format: format, Data: data}, nil
}

// A page is a part of a listing, in JSON.
type page struct {
	Records []pageRecord `json:"records"`
	Next    string       `json:"next,omitempty"` // the cursor of the next page; empty: there is none
}

// A pageRecord has the version as text, since many programs read numbers as float64.
type pageRecord struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Expires int64  `json:"expires,omitempty"` // milliseconds; 0: never
	Format  string `json:"format,omitempty"`
	Data    []byte `json:"data"`
}

func newPageRecord(rec *provider.Record) pageRecord {
	return pageRecord{
		ID:      rec.ID,
		Version: strconv.FormatInt(rec.Version, 10),
		Expires: provider.Millis(rec.ExpiresAt),
		Format:  rec.Format,
		Data:    rec.Data,
	}
}

func (r pageRecord) record() (*provider.Record, error) {
	version, err := parseInt(r.Version)
	if err != nil || r.Expires < 0 || r.Expires > maxMillis || provider.ValidateID(r.ID) != nil {
		return nil, errNumber
	}
	return &provider.Record{
		ID:        r.ID,
		Version:   version,
		ExpiresAt: provider.FromMillis(r.Expires),
		Format:    r.Format,
		Data:      r.Data,
	}, nil
}

// A problem is the body of an error, as in RFC 9457.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail,omitempty"`
	Kind    string `json:"kind"`
	Outcome string `json:"outcome,omitempty"`
}
