package provider

// Expirer is an optional interface of a Provider that removes expired records itself, and
// can tell which. It is for observers: no rule may depend on it.
type Expirer interface {
	// OnExpired makes the provider call fn with each record that it removes because it has
	// expired, until stop is called. The record is as it was last saved. fn owns it.
	//
	// It is called at least once for a record that was not replaced or deleted: from the call
	// of OnExpired on, a provider whose records outlive the process calls fn before it
	// removes the record, and may call it again if the removal fails, or if another process
	// is removing the same records. When that is depends on when the provider removes
	// records: hours after the expiry, or never.
	//
	// Calls of fn may overlap. The provider waits for them with locks and connections in use,
	// so fn must return soon, and must not call the provider. After stop has returned, a call
	// that had begun before may still be running. stop may be called several times.
	//
	// A wrapper that has the method, over a Provider that is no Expirer, never calls fn.
	OnExpired(fn func(*Record)) (stop func())
}

// OnExpired returns p.OnExpired(fn) if p is an Expirer. Otherwise fn is never called, and
// stop does nothing.
//
// A provider that wraps another one implements its own OnExpired by OnExpired of the inner
// one.
func OnExpired(p Provider, fn func(*Record)) (stop func()) {
	if e, ok := p.(Expirer); ok {
		return e.OnExpired(fn)
	}
	return func() {}
}
