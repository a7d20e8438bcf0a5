package records

import "time"

// Cache receives every record of a session that is read or saved.
type Cache interface {
	// Begin is called before a call to the provider for the record of that ID.
	Begin(id string) CacheCall

	// Put is called after a call that has read or saved c. C is nil if there is no record.
	Put(id string, c *Content, call CacheCall)

	// Remove is called if a call has failed or has returned what cannot be read, and if the
	// record was deleted.
	Remove(id string)
}

// CacheCall is the state of a Cache when a call to the provider is sent.
type CacheCall struct {
	Sent     time.Time
	Removals uint64
}

func beginCall(c Cache, id string) CacheCall {
	if c == nil {
		return CacheCall{}
	}
	return c.Begin(id)
}

// putCopy passes v to c if it is the content of a session.
func putCopy[V Value](c Cache, id string, v V, call CacheCall) {
	if c == nil {
		return
	}
	content, ok := any(v).(*Content)
	if ok {
		c.Put(id, content, call)
	}
}

func removeCopy(c Cache, id string) {
	if c != nil {
		c.Remove(id)
	}
}
