package gothic_test

import "github.com/holdfast-go/holdfast/verify/interop/gorilla/borrowed/backend"

// newStore takes the place of the store of gothic's tests.
var newStore = backend.Store
