package providertest

import "github.com/holdfast-go/holdfast/provider"

// shareRules are the rules of provider.Sharer.
var shareRules = []rule{
	{
		"share-same",
		"The Provider that Shared returns has the same records as the Sharer, in the same versions.",
		func(s *subject) {
			sharer, shared := s.Provider, s.shared()
			if shared == nil {
				return
			}
			rec := s.stored()
			s.Provider = shared
			s.holds(rec)
			next := successor(rec)
			s.save(next, rec.Version)
			s.Provider = sharer
			s.holds(next)
			s.conflicts(successor(rec), rec.Version)
		},
	},
	{
		"share-wrapped",
		"Shared returns nil for a wrapper that embeds the Sharer.",
		func(s *subject) {
			sharer, ok := s.Provider.(provider.Sharer)
			if !ok {
				s.failf("it is not a provider.Sharer")
				return
			}
			if sharer.Shared(wrapper{sharer}) != nil {
				s.failf("Shared passes over the methods of a wrapper")
			}
		},
	},
}

type wrapper struct{ provider.Sharer }

// shared returns the result of Shared.
func (s *subject) shared() provider.Provider {
	sharer, ok := s.Provider.(provider.Sharer)
	if !ok {
		s.failf("it is not a provider.Sharer")
		return nil
	}
	shared := sharer.Shared(s.Provider)
	if shared == nil {
		s.failf("Shared returns nil")
	}
	return shared
}
