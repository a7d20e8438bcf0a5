package httpstore

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/holdfast-go/holdfast/provider"
)

// A failure is an error as the server answers it.
type failure struct {
	kind     kind
	outcome  string
	detail   string
	conflict *provider.ConflictError // of kindConflict; nil: the store does not tell
}

// refusal is the failure of a request that the server itself refuses. A repeated one is
// refused again.
func refusal(k kind, detail string) *failure {
	return &failure{kind: k, outcome: outcomeRefused, detail: detail}
}

// storeFailure returns the failure for an error of the store. Its text is passed on, as
// it names the remedy; package provider demands that it contains no ID, no data and no
// password.
func storeFailure(err error) *failure {
	f := &failure{kind: kindOf(err), outcome: outcomeOf(err), detail: err.Error()}
	switch f.kind.err {
	case provider.ErrNotFound:
		f.detail = ""
	case provider.ErrVersionConflict:
		f.detail = ""
		f.conflict, _ = errors.AsType[*provider.ConflictError](err)
	}
	return f
}

// write answers a request. Only the headers are for programs, as a proxy may replace the
// body and an answer to HEAD has none.
func (f *failure) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set(headerError, f.kind.name)
	if f.outcome != "" {
		h.Set(headerOutcome, f.outcome)
	}
	if f.kind.name == kindConflict.name && f.writeConflict(w) {
		return
	}
	body, err := json.Marshal(f.problem())
	if err != nil {
		panic("httpstore: a problem cannot be encoded: " + err.Error())
	}
	h.Set("Content-Type", contentProblem)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.status())
	_, _ = w.Write(body)
}

// problem returns the body of the answer.
func (f *failure) problem() problem {
	return problem{
		Type:    "urn:holdfast:problem:" + f.kind.name,
		Title:   f.kind.title,
		Status:  f.status(),
		Detail:  f.detail,
		Kind:    f.kind.name,
		Outcome: f.outcome,
	}
}

// writeConflict says what is known about the stored record. It reports whether it has
// answered with the record.
func (f *failure) writeConflict(w http.ResponseWriter) bool {
	switch {
	case f.conflict == nil:
		w.Header().Set(headerCurrent, currentUnknown)
	case f.conflict.Current == nil:
		w.Header().Set(headerCurrent, currentNone)
	default:
		w.Header().Set(headerCurrent, currentRecord)
		writeRecord(w, f.kind.status, f.conflict.Current)
		return true
	}
	return false
}

// status is 503 for a store that has certainly changed nothing, as it may be available
// later.
func (f *failure) status() int {
	if f.kind.name == kindFailed.name && f.outcome != "" {
		return http.StatusServiceUnavailable
	}
	return f.kind.status
}
