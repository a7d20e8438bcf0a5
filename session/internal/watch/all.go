package watch

// CheckAll checks all watched sessions soon, because many may have ended.
func (h *Hub) CheckAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run != nil {
		h.run.checkAll()
	}
}
