package nats_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/nats"
)

func TestURLsThatAreNotValid(t *testing.T) {
	for _, url := range []string{
		"", "nats", "nats:", "nats://", "http://localhost", "nats://localhost:x", "nats://a,,b", "nats://a/b",
		"nats://user@localhost", "nats://:secret@localhost", "nats://user:se%zzcret@localhost", "nats://user:secret@", "nats://user:se/cret@localhost:4222",
		"nats://u:secret@localhost?bucket=%zz", "nats://u:secret@localhost?bucket=a&bucket=b", "nats://u:secret@localhost?table=x",
		"nats://u:secret@localhost?bucket=", "nats://u:secret@localhost?bucket=a.b", "nats://u:secret@localhost?replicas=2", "nats://u:secret@localhost?replicas=x",
		"tls://u:secret@localhost?cert=x", "tls://u:secret@localhost?key=x", "tls://u:secret@localhost?ca=/none",
		"tls://u:secret@localhost?cert=/none&key=/none", "tls://u:secret@localhost?creds=/none",
	} {
		p, err := nats.Open(url)
		if err == nil {
			p.Close()
			t.Errorf("%q: got no error", url)
			continue
		}
		if !strings.HasPrefix(err.Error(), "nats: ") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got error %q", url, err)
		}
	}
}

func TestURLs(t *testing.T) {
	server, bucket := testserver.SharedNats(t), newBucket(t, shared(t))
	for _, parameters := range []string{"?bucket=" + bucket, "/?bucket=" + bucket, "?bucket=" + bucket + "&replicas=1", "," + testserver.FreeAddr(t) + "?bucket=" + bucket} {
		p := open(t, server+parameters)
		if p.Bucket() != bucket {
			t.Errorf("%s: the bucket is %q", parameters, p.Bucket())
		}
		create(t, p)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	}
	if got := open(t, server).Bucket(); got != "holdfast" {
		t.Errorf("the default bucket is %q", got)
	}
}

func TestOptionsThatAreNotValid(t *testing.T) {
	for name, f := range map[string]func(){
		"no bucket":      func() { nats.Bucket("") },
		"a bucket's dot": func() { nats.Bucket("a.b") },
		"two replicas":   func() { nats.Replicas(2) },
		"a domain": func() {
			js, err := jetstream.NewWithDomain(shared(t).Conn(), "hub")
			if err != nil {
				t.Error(err)
			}
			nats.New(js)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it does not panic")
				}
			}()
			f()
		})
	}
}
