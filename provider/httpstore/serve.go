package httpstore

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/holdfast-go/holdfast/provider"
)

func (h *handler) fetch(w http.ResponseWriter, r *http.Request, id string) *failure {
	rec, err := h.store.Fetch(r.Context(), id)
	if err != nil {
		return storeFailure(err)
	}
	writeRecord(w, http.StatusOK, rec)
	return nil
}

func (h *handler) save(w http.ResponseWriter, r *http.Request, id string) *failure {
	rec, expectVersion, f := h.parseSave(w, r, id)
	if f != nil {
		return f
	}
	ctx := r.Context()
	if r.Header.Get(headerReserve) == "true" {
		ctx = provider.WithReserve(ctx)
	}
	if err := h.store.Save(ctx, rec, expectVersion); err != nil {
		return storeFailure(err)
	}
	w.Header().Set("Etag", encodeTag(rec.Version))
	writeDone(w)
	return nil
}

// parseSave returns the arguments of Save.
func (h *handler) parseSave(w http.ResponseWriter, r *http.Request, id string) (*provider.Record, int64, *failure) {
	version, err := parseInt(r.Header.Get(headerVersion))
	if err != nil {
		return nil, 0, refusal(kindBadRequest, headerVersion+" is missing or not a decimal number of 64 bits")
	}
	expectVersion, f := expectation(r)
	if f != nil {
		return nil, 0, f
	}
	expiresAt, format, err := getContent(r.Header)
	if err != nil {
		return nil, 0, refusal(kindBadRequest, err.Error())
	}
	data, f := h.readData(w, r)
	if f != nil {
		return nil, 0, f
	}
	return &provider.Record{ID: id, Version: version, ExpiresAt: expiresAt, Format: format, Data: data}, expectVersion, nil
}

// expectation returns the expectVersion of a Save.
func expectation(r *http.Request) (int64, *failure) {
	match, none := r.Header.Values("If-Match"), r.Header.Values("If-None-Match")
	switch {
	case len(match)+len(none) > 1:
		return 0, refusal(kindBadRequest, "there are several preconditions")
	case len(none) == 1 && none[0] == absent:
		return 0, nil
	case len(none) == 1:
		return 0, refusal(kindBadRequest, "If-None-Match is not *")
	case len(match) == 0:
		return -1, nil
	}
	version, err := decodeTag(match[0])
	if err != nil || version < 1 {
		return 0, refusal(kindBadRequest, `If-Match is not one strong entity tag with a positive number, as in "7"`)
	}
	return version, nil
}

// readData returns the body, which is read before anything else happens: net/http notices
// that a client has left only after that.
func (h *handler) readData(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	tooLarge := &failure{kind: kindTooLarge, detail: "the server takes " + strconv.FormatInt(h.maxBytes, 10) + " bytes, MaxBytes of httpstore.HandlerOptions"}
	if r.ContentLength > h.maxBytes {
		return nil, tooLarge
	}
	if r.ContentLength >= 0 {
		data := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, data); err != nil {
			return nil, refusal(kindBadRequest, "the body is incomplete")
		}
		return data, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBytes))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if err != nil {
		return nil, refusal(kindBadRequest, "the body is incomplete")
	}
	return data, nil
}

func (h *handler) delete(w http.ResponseWriter, r *http.Request, id string) *failure {
	if r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "" {
		return refusal(kindBadRequest, "DELETE takes no precondition")
	}
	if err := h.store.Delete(r.Context(), id); err != nil {
		return storeFailure(err)
	}
	writeDone(w)
	return nil
}

// done is the body of an answer to a change. net/http gives a connection to the next
// request before it hands over an answer without a body. If the call of that answer ends
// at this moment, it closes the connection under the other one, whose outcome is then
// unknown. So all answers to GET, PUT and DELETE have a body.
const done = "{}\n"

func writeDone(w http.ResponseWriter) {
	w.Header().Set("Content-Type", contentDone)
	w.Header().Set("Content-Length", strconv.Itoa(len(done)))
	_, _ = io.WriteString(w, done) // that the client has left concerns nobody
}

// writeRecord answers with a record. If it has no data, the length is not announced: the
// body is then a chunk of no bytes.
func writeRecord(w http.ResponseWriter, status int, rec *provider.Record) {
	h := w.Header()
	h.Set("Etag", encodeTag(rec.Version))
	setContent(h, rec)
	if len(rec.Data) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(rec.Data)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(rec.Data)
	if len(rec.Data) == 0 {
		_ = http.NewResponseController(w).Flush()
	}
}
