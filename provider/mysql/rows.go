package mysql

import (
	"context"
	"database/sql"
)

// showOn returns the rows of a statement as texts by the names of the columns, which
// differ between servers. NULL is left out.
func showOn(ctx context.Context, conn *sql.Conn, query string) (all []map[string]string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		texts := make([]sql.NullString, len(names))
		dest := make([]any, len(names))
		for i := range texts {
			dest[i] = &texts[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		row := make(map[string]string, len(names))
		for i, name := range names {
			if texts[i].Valid {
				row[name] = texts[i].String
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// collect returns what scan makes of each row of a query.
func collect[T any](ctx context.Context, conn *sql.Conn, scan func(*sql.Rows) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		value, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, rows.Err()
}
