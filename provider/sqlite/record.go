package sqlite

import (
	"database/sql"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

var errUnreadable = fmt.Errorf("sqlite: a row of the table has values of other types than a Save stores: %w", provider.ErrUnreadable)

// columns returns rec as the arguments ?1 to ?5 of the statements.
func columns(rec *provider.Record) []any {
	data := rec.Data
	if data == nil {
		data = []byte{} // nil is NULL
	}
	return []any{rec.ID, rec.Version, provider.Millis(rec.ExpiresAt), rec.Format, data}
}

// scanRecord returns the record of a row. It checks the types itself: database/sql quotes
// a value that it cannot convert.
func scanRecord(rows *sql.Rows) (*provider.Record, error) {
	var values [5]any
	if err := rows.Scan(&values[0], &values[1], &values[2], &values[3], &values[4]); err != nil {
		return nil, err
	}
	id, ok1 := values[0].(string)
	version, ok2 := values[1].(int64)
	ms, ok3 := values[2].(int64)
	format, ok4 := values[3].(string)
	data, ok5 := values[4].([]byte)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return nil, errUnreadable
	}
	return &provider.Record{ID: id, Version: version, ExpiresAt: provider.FromMillis(ms), Format: format, Data: data}, nil
}
