module github.com/holdfast-go/holdfast/provider/sqlite/opensqlite

go 1.26.0

require (
	github.com/holdfast-go/holdfast v0.1.0
	github.com/ncruces/go-sqlite3 v0.37.0
)
