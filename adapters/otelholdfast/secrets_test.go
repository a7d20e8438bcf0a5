package otelholdfast_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/holdfast-go/holdfast/session"
)

// What leaves the process, in log lines, spans and metrics, names a session by its
// public ID. No one who reads it can take the session over.
func TestNothingCarriesACookieOrAValue(t *testing.T) {
	const secret = "what-a-visitor-keeps"
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			var out bytes.Buffer
			spans, err := stdouttrace.New(stdouttrace.WithWriter(&out))
			if err != nil {
				t.Fatal(err)
			}
			st := newSite(t, sdktrace.WithSyncer(spans))
			v := st.visitor()
			v.post(200, func(s *session.Session) { text.Set(s, secret) })
			first := *v
			scene.play(v)
			st.export(&out)
			out.Write(st.log.Bytes())

			if publicID := st.firstPublicID(); !strings.Contains(out.String(), publicID) {
				t.Errorf("the public ID %s is nowhere", publicID)
			}
			for _, forbidden := range append(tokens(t, &first, v), secret) {
				if strings.Contains(out.String(), forbidden) {
					t.Errorf("%q is in %s", forbidden, &out)
				}
			}
		})
	}
}

// export writes the metrics to out.
func (st *site) export(out *bytes.Buffer) {
	st.t.Helper()
	exporter, err := stdoutmetric.New(stdoutmetric.WithWriter(out))
	if err != nil {
		st.t.Fatal(err)
	}
	var all metricdata.ResourceMetrics
	if err := st.metrics.Collect(st.t.Context(), &all); err != nil {
		st.t.Fatal(err)
	}
	if err := exporter.Export(st.t.Context(), &all); err != nil {
		st.t.Fatal(err)
	}
}

// firstPublicID returns the public ID of the session that was saved first.
func (st *site) firstPublicID() string {
	for _, kv := range st.traces.Ended()[0].Attributes() {
		if kv.Key == "holdfast.session.public_id" {
			return kv.Value.AsString()
		}
	}
	return "that is missing"
}

// tokens returns what opens the visitors' sessions: cookies, and the tokens in
// them in every writing that a program may print them in. securecookie's
// layout is base64(date|base64(token)|signature).
func tokens(t *testing.T, visitors ...*visitor) (all []string) {
	t.Helper()
	for _, v := range visitors {
		if v.cookie == nil || v.cookie.Value == "" {
			continue
		}
		signed, err := base64.URLEncoding.DecodeString(v.cookie.Value)
		if err != nil {
			t.Fatal(err)
		}
		encoded := strings.Split(string(signed), "|")[1]
		token, err := base64.URLEncoding.DecodeString(encoded)
		if err != nil || len(token) != 32 {
			t.Fatalf("a token of %d bytes: %v", len(token), err)
		}
		all = append(all, v.cookie.Value, encoded, fmt.Sprintf("%x", token),
			base64.StdEncoding.EncodeToString(token), base64.RawURLEncoding.EncodeToString(token))
	}
	return all
}
