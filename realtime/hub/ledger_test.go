package hub_test

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// ledger is a plain list of everything that was stored, each event once, in the order of its channel. It is a realtime.Broker around another,
// inside of whatever misbehaves.
type ledger struct {
	realtime.Broker

	mu       sync.Mutex // guards all below; held while a message is handed over, so that the order is known
	channels map[realtime.Channel][]stored
	at       map[realtime.Channel]map[string]int
}

// stored is an event of the ledger.
type stored struct {
	id, key string
	time    int64 // ms
	void    bool  // it was not stored after all
}

func newLedger(b realtime.Broker) *ledger {
	return &ledger{Broker: b, channels: map[realtime.Channel][]stored{}, at: map[realtime.Channel]map[string]int{}}
}

func (l *ledger) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind != realtime.KindPublication {
		l.Broker.Publish(ctx, topic, m, done)
		return
	}
	c, id := m.Channel, m.ID
	var failed error
	l.mu.Lock()
	at := l.add(c, stored{id: id, key: m.Key, time: time.Now().UnixMilli()})
	l.Broker.Publish(ctx, topic, m, func(err error) { failed = err }) // the memory broker calls it at once
	if failed != nil && at >= 0 {
		l.channels[c][at].void = true
		delete(l.at[c], id)
	}
	l.mu.Unlock()
	done(failed)
}

// add returns the place of an event, -1 if it was there.
func (l *ledger) add(c realtime.Channel, e stored) int {
	if l.at[c] == nil {
		l.at[c] = map[string]int{}
	}
	if _, again := l.at[c][e.id]; again {
		return -1
	}
	at := len(l.channels[c])
	l.at[c][e.id] = at
	l.channels[c] = append(l.channels[c], e)
	return at
}

// between counts what a viewer with a key sees from a place up to another, which is not included, that was stored at a moment or later.
func (l *ledger) between(c realtime.Channel, from, to int, key string, since int64) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := from; i < min(to, len(l.channels[c])); i++ {
		if e := &l.channels[c][i]; !e.void && (key == "" || e.key == key) && e.time >= since {
			n++
		}
	}
	return n
}

// place returns that of an event, -1 if there is none.
func (l *ledger) place(c realtime.Channel, id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[c][id]
	if !ok {
		return -1
	}
	return at
}

func (l *ledger) len(c realtime.Channel) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.channels[c])
}
