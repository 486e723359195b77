package memory

import (
	"maps"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// topic is one log and those who read it.
type topic struct {
	name realtime.Topic

	mu       sync.Mutex // guards what follows
	log      log
	streams  map[*stream]struct{}
	readings map[string]uint64 // index behind what was acknowledged, by name
	waiting  []*stream         // those that have read everything and wait
	closed   bool
}

// topic finds a topic, or begins it.
func (b *Broker) topic(name realtime.Topic) (*topic, error) {
	b.mu.RLock()
	t, closed := b.topics[name], b.closed
	b.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	if !closed && b.options.Topics != nil && !b.options.Topics(name) {
		return nil, realtime.Errorf(realtime.CodeNotFound, "topic: %q is unknown", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed()
	}
	if t = b.topics[name]; t == nil {
		t = &topic{name: name, streams: map[*stream]struct{}{}}
		b.topics[name] = t
	}
	return t, nil
}

// sweep lets topics that have gone silent forget what is too old. Publishing
// does it now and then, so that no goroutine has to.
func (b *Broker) sweep(now int64) {
	last := b.swept.Load()
	if now-last < b.bounds.age/chunksPerLog || !b.swept.CompareAndSwap(last, now) {
		return
	}
	b.mu.RLock()
	topics := slices.Collect(maps.Values(b.topics))
	b.mu.RUnlock() // who publishes to a new topic does not wait for all of them
	for _, t := range topics {
		t.mu.Lock()
		before := t.log.bytes
		t.log.evict(now, b.bounds)
		b.bytes.Add(int64(t.log.bytes - before))
		t.mu.Unlock()
	}
}

// fit lets go of the oldest chunks of all topics while they keep too much together. The newest chunk of a topic
// stays.
func (b *Broker) fit() {
	if b.options.Bytes == 0 || b.bytes.Load() <= int64(b.options.Bytes) {
		return
	}
	b.mu.RLock()
	topics := slices.Collect(maps.Values(b.topics))
	b.mu.RUnlock()
	for b.bytes.Load() > int64(b.options.Bytes) {
		var oldest *topic
		var age int64
		for _, t := range topics {
			t.mu.Lock()
			if len(t.log.chunks) > 1 && (oldest == nil || t.log.chunks[0].oldest() < age) {
				oldest, age = t, t.log.chunks[0].oldest()
			}
			t.mu.Unlock()
		}
		if oldest == nil {
			return
		}
		oldest.mu.Lock()
		b.bytes.Add(-int64(oldest.log.drop()))
		oldest.mu.Unlock()
	}
}

// wake tells the streams that wait; t.mu is held.
func (t *topic) wake() {
	for i, s := range t.waiting {
		s.waits = false
		select {
		case s.wake <- struct{}{}:
		default: // it has been told already
		}
		t.waiting[i] = nil
	}
	t.waiting = t.waiting[:0]
}
