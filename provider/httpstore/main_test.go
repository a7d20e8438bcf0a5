package httpstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	token    = "a token of the tests 1234"
	patience = time.Minute // bounds what should take no time
)
