package scsholdfast

import "context"

// Put sets a key to a value, whose type must be registered with [gob.Register] unless it
// is a basic one. If the value cannot be encoded, the request fails with
// session.ErrEncode.
//
// Changes of different keys by parallel requests are merged. If this request has read the
// key and a parallel request has changed it since, the request fails with
// session.ErrConflict and nothing is saved: see "Conflicts" in the documentation of the
// package.
func (s *SessionManager) Put(ctx context.Context, key string, val any) {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(key, val)
	d.status = Modified
}

// Get returns the value of a key, or nil if there is none. A stored value that does not
// decode, for example because its type is not registered, is logged and reads as nil.
//
// A pointer, map or slice is the one that this request has put or got before. As in scs,
// a change of what it refers to is saved if the session is: if Status is Modified.
func (s *SessionManager) Get(ctx context.Context, key string) any {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	v, _ := d.value(key)
	return v
}

// Pop returns the value of a key, or nil if there is none, and removes it. Of two
// parallel requests, one gets the value and the other fails with session.ErrConflict,
// unless LastWriteWins allows both to get it. In a HEAD request, Pop removes nothing; it
// returns nil unless LastWriteWins holds for the key.
func (s *SessionManager) Pop(ctx context.Context, key string) any {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.value(key)
	if !ok {
		return nil
	}
	if e := d.entries[key]; !e.failed && !d.values.pop(key) {
		return nil
	}
	delete(d.entries, key)
	d.status = Modified
	return v
}

// Remove removes a key. If the key has no value, Remove changes nothing.
func (s *SessionManager) Remove(ctx context.Context, key string) {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.entries[key]
	if _, ok := d.values.peek(key); !ok && (e == nil || !e.failed) {
		return
	}
	d.values.remove(key)
	delete(d.entries, key)
	d.status = Modified
}

// Clear removes all values, including those that a parallel request puts in the meantime.
// The token and the deadline stay. The error is always nil.
func (s *SessionManager) Clear(ctx context.Context) error {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil && d.session.IsNew() && len(d.values.keys()) == 0 {
		return nil
	}
	d.values.clear()
	clear(d.entries)
	d.status = Modified
	return nil
}

// Exists reports whether a key has a value.
func (s *SessionManager) Exists(ctx context.Context, key string) bool {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.value(key)
	return ok
}

// Keys returns the keys that have a value, sorted. The result is not nil.
func (s *SessionManager) Keys(ctx context.Context) []string {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values.keys()
}
