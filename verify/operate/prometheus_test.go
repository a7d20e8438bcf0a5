package operate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// monitor is a Prometheus.
type monitor struct {
	t   *testing.T
	url string
}

func newMonitor(t *testing.T, a *app, rules string) *monitor {
	return &monitor{t, testserver.Prometheus(t, a.addr(), rules).URL}
}

// get reads the data of an answer of Prometheus's API into data.
func (m *monitor) get(path string, values url.Values, data any) error {
	r, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.url+"/api/v1/"+path+"?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return nil
}

// alerts are those that fire, with the annotations of one of each.
func (m *monitor) alerts() map[string]map[string]string {
	var data struct {
		Alerts []struct {
			State               string
			Labels, Annotations map[string]string
		}
	}
	if err := m.get("alerts", nil, &data); err != nil {
		m.t.Fatal(err)
	}
	firing := map[string]map[string]string{}
	for _, a := range data.Alerts {
		if a.State == "firing" {
			firing[a.Labels["alertname"]] = a.Annotations
		}
	}
	return firing
}

// rule is a rule as Prometheus has evaluated it.
type rule struct{ Name, Health, LastError string }

func (m *monitor) rules() (all []rule) {
	var data struct{ Groups []struct{ Rules []rule } }
	if err := m.get("rules", nil, &data); err != nil {
		m.t.Fatal(err)
	}
	for _, group := range data.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// sample is one element of the result of a query.
type sample struct {
	Metric map[string]string
	Value  [2]any // the time and the value, as a text
}

func (m *monitor) query(expr string) (samples []sample, err error) {
	var data struct{ Result []sample }
	err = m.get("query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}
