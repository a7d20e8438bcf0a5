package etcd

const (
	// PageSize is how many records List and Purge read at a time.
	PageSize = pageSize

	// MaxDeletes is how many records Purge removes at a time.
	MaxDeletes = maxDeletes
)
