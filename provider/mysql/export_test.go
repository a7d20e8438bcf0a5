package mysql

// These are how many rows List and Purge read at a time.
const (
	PageSize     = pageSize
	RowsPerPurge = rowsPerPurge
)

// ListSQL returns the statement of List, and its arguments for a page.
func (p *Provider) ListSQL(prefix, last string) (query string, args []any) {
	return p.sql.list, []any{[]byte(prefix), []byte(last), end(prefix), pageSize}
}

// Parse returns the configuration that a URL stands for.
var Parse = parse
