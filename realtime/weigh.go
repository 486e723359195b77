package realtime

// waiting is what the queues of a tenant's connections hold.
type waiting struct{ messages, bytes int }

// weigh measures the queues. f.mu is held.
func (f *feed) weigh() {
	if f.queues == nil {
		f.queues = map[string]waiting{}
	}
	for id := range f.tenants {
		f.queues[id] = waiting{}
	}
	for _, c := range f.conns {
		messages, bytes := c.box.Len()
		if messages > 0 {
			id := c.Tenant().ID
			w := f.queues[id]
			f.queues[id] = waiting{w.messages + messages, w.bytes + bytes}
		}
	}
	for id, w := range f.queues {
		f.hub.count.Level(GaugeQueueMessages, id, w.messages)
		f.hub.count.Level(GaugeQueueBytes, id, w.bytes)
	}
}

// forget takes back the levels of a feed that is let go. f.mu is held.
func (f *feed) forget() {
	for id := range f.tenants {
		for _, g := range []Gauge{GaugeQueueMessages, GaugeQueueBytes, GaugeRecordBytes} {
			f.hub.count.Level(g, id, 0)
		}
	}
}
