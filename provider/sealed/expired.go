package sealed

import "github.com/holdfast-go/holdfast/provider"

var _ provider.Expirer = (*Provider)(nil)

// OnExpired implements provider.Expirer if the inner provider does. It does not call fn
// with a record that no key opens.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) {
	return provider.OnExpired(p.inner, func(rec *provider.Record) {
		if err := p.keys.open(rec, rec.ID); err == nil {
			fn(rec)
		}
	})
}
