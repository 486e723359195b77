package memory

import (
	"unsafe"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// overhead is what a message costs beside its strings, bytes and tags: its place in a chunk, and what allocations are rounded up by.
	overhead = int(unsafe.Sizeof(realtime.Message{})) + 96
	// A map is a header and groups of places for eight strings and their values, which are a power of two and at most seven eighths full.
	mapBytes      = 48
	mapGroup      = 8
	mapGroupBytes = 8 + mapGroup*2*int(unsafe.Sizeof(""))
)

// sizeOf is what a stored message takes, about.
func sizeOf(m *realtime.Message) int {
	size := overhead + len(m.Data) + len(m.ID) + len(m.Key) + len(m.EventType) + len(m.Source) + len(m.ContentType)
	if m.If != nil {
		size += int(unsafe.Sizeof(*m.If))
	}
	if len(m.Tags) == 0 {
		return size
	}
	groups := 1
	for room := mapGroup; len(m.Tags) > room; room = groups * mapGroup * 7 / 8 {
		groups *= 2
	}
	size += mapBytes + groups*mapGroupBytes
	for name, value := range m.Tags {
		size += len(name) + len(value)
	}
	return size
}
