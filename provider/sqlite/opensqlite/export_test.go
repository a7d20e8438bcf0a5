package opensqlite

import "database/sql"

// DBs returns the connections for writing and for reading.
func (p *Provider) DBs() (writer, reader *sql.DB) { return p.writer, p.reader }
