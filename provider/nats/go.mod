module github.com/holdfast-go/holdfast/provider/nats

go 1.26.0
