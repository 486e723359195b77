package yjs

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// maxSeen is how many others a door remembers.
const maxSeen = 1 << 14

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
		if m, ok = d.others[e.key]; ok {
			delete(d.others, e.key)
			m.State = json.RawMessage("null")
		}
		return m, ok
	}
	if json.Unmarshal(e.data, &m) != nil || m.State == nil || m.Client > maxInteger || m.Clock > maxInteger || m.Client == d.self {
		return m, false
	}
	if _, has := d.others[e.key]; !has && len(d.others) >= maxSeen {
		return m, false
	}
	d.others[e.key] = m
	if len(d.seen) >= maxSeen {
		clear(d.seen)
		for _, other := range d.others {
			d.seen[other.Client] = true
		}
	}
	d.seen[m.Client] = true
	return m, true
}
