package fleet

import "github.com/tidewire/tidewire/realtime"

// DecodeAll reads what other instances have said, of messages among which there may be others.
func DecodeAll(messages []realtime.Message, instance string, count realtime.Metrics) map[*realtime.Message]*Said {
	var all map[*realtime.Message]*Said
	for i := range messages {
		m := &messages[i]
		if m.Kind != realtime.KindCensus || m.Origin == instance {
			continue
		}
		said, err := Decode(m)
		if err != nil {
			count.Add(realtime.CountDrops, "", realtime.ReasonMalformed, 1)
			continue
		}
		if all == nil {
			all = map[*realtime.Message]*Said{}
		}
		all[m] = said
	}
	return all
}
