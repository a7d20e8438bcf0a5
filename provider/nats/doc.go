package nats

import _ "github.com/nats-io/nats.go/jetstream"
import _ "github.com/holdfast-go/holdfast/provider/internal/paging"
