module github.com/holdfast-go/holdfast/provider/sqlite/opensqlite

go 1.26.0

require (
	github.com/holdfast-go/holdfast v0.1.0
	github.com/ncruces/go-sqlite3 v0.37.0
)

require (
	github.com/fxamacker/cbor/v2 v2.9.6 // indirect
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/ncruces/go-sqlite3-wasm/v6 v6.5.35401 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
