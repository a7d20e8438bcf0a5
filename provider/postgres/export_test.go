package postgres

// PageSize is how many records List reads at a time.
const PageSize = pageSize

// ListSQL returns the statement of List, and its arguments for a page.
func (p *Provider) ListSQL(prefix, last string) (sql string, args []any) {
	return p.sql.list, []any{prefix, end(prefix), last, pageSize}
}
