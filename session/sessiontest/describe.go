package sessiontest

import (
	"errors"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// These functions describe a storage call and its result, for the name of an order.

func fetched(rec *provider.Record, err error) string {
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return "fetch: no record"
	case err != nil:
		return "fetch: " + err.Error()
	}
	return "fetch" + kindOf(rec)
}

func saved(rec *provider.Record, expectVersion int64, err error) string {
	text := "save" + kindOf(rec)
	if expectVersion == 0 {
		text = "create" + kindOf(rec)
	}
	switch {
	case errors.Is(err, provider.ErrVersionConflict):
		return text + ": conflict"
	case err != nil:
		return text + ": " + err.Error()
	}
	return text
}

func deleted(err error) string {
	if err != nil {
		return "delete: " + err.Error()
	}
	return "delete"
}

// kindOf names the kind of a record that is not a session, after a space.
func kindOf(rec *provider.Record) string {
	info, err := session.Inspect(rec)
	switch {
	case err != nil:
		return " unknown record"
	case info.Kind == session.KindTombstone:
		return " tombstone"
	case info.Kind == session.KindOwnerIndex:
		return " owner index"
	case info.Kind == session.KindLabelIndex:
		return " label index"
	}
	return ""
}
