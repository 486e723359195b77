package gcppubsub

// Lines is how many connections a broker pulls over.
func Lines(b *Broker) int {
	b.lines.mu.Lock()
	defer b.lines.mu.Unlock()
	return len(b.lines.all)
}
