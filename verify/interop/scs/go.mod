module github.com/holdfast-go/holdfast/verify/interop/scs

go 1.26.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/holdfast-go/holdfast/adapters/scsholdfast v0.0.0
)

require (
	github.com/fxamacker/cbor/v2 v2.9.6 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/holdfast-go/holdfast v0.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
)

replace (
	github.com/holdfast-go/holdfast => ../../..
	github.com/holdfast-go/holdfast/adapters/scsholdfast => ../../../adapters/scsholdfast
)
