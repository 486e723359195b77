package yjs

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

const (
	// maxOthers is how many bytes a door remembers of where others are, with what the memory of each takes besides. Who does not fit is not shown.
	maxOthers = 256 << 10
	otherSize = 128
	// maxSeen is of how many others a door knows that its client has heard of them: of at least twice as many as it remembers.
	maxSeen = 2 * maxOthers / otherSize
)

// sizeOf is what an entry counts for against maxOthers.
func sizeOf(key string, m *mark) int { return otherSize + len(key) + len(m.State) }

// awareness publishes what a client says of itself. What it was told of others it sends back, which is ignored. d.mu is held.
func (d *Door) awareness(encoded []byte, may bool) (asked Asked, err error) {
	all, err := parseMarks(encoded)
	if err != nil || !may || d.phase == opened {
		return asked, err
	}
	for i := range all {
		m := &all[i]
		if m.Client != d.self && (m.gone() || d.seen[m.Client]) {
			continue
		}
		d.self = m.Client
		data, err := json.Marshal(m)
		if err != nil {
			return asked, err
		}
		asked.Frames = append(asked.Frames, wire.ClientFrame{
			Type: wire.TypePublish, ID: aware, Channel: awarenessOf(d.o.Channel), Key: realtime.ConnectionKey, Transient: true, Data: data,
			Event: strings.ToLower(rand.Text()),
		})
		break // it is one client
	}
	return asked, nil
}

// whereabouts is where everybody is. d.mu is held.
func (d *Door) whereabouts() []byte {
	all := make([]mark, 0, len(d.others))
	for _, m := range d.others {
		all = append(all, m)
	}
	return appendMarks(nil, all)
}

// meet takes an entry of the state of awareness, and reports what the client is to be told of it. d.mu is held.
func (d *Door) meet(e *entry) (m mark, ok bool) {
	if e.op != entrySet {
		return d.part(e.key)
	}
	if json.Unmarshal(e.data, &m) != nil || m.State == nil || m.Client > maxInteger || m.Clock > maxInteger || m.Client == d.self {
		return m, false
	}
	before, had := d.others[e.key]
	size := d.othersSize + sizeOf(e.key, &m)
	if had {
		size -= sizeOf(e.key, &before)
	}
	if size > maxOthers {
		return d.part(e.key) // rather nowhere than where it was
	}
	d.others[e.key], d.othersSize = m, size
	if len(d.seen) >= maxSeen {
		clear(d.seen)
		for _, other := range d.others {
			d.seen[other.Client] = true
		}
	}
	d.seen[m.Client] = true
	return m, true
}

// part forgets where somebody is, and reports what the client is to be told of it, if it knows. d.mu is held.
func (d *Door) part(key string) (m mark, ok bool) {
	if m, ok = d.others[key]; ok {
		delete(d.others, key)
		d.othersSize -= sizeOf(key, &m)
		m.State = json.RawMessage("null")
	}
	return m, ok
}
