package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.DurableReader = (*Broker)(nil)

// durableStream is a stream that begins where what was acknowledged of a reading ends.
type durableStream struct {
	*stream
	name string
	from time.Time

	mu   sync.Mutex // guards what follows
	read uint64     // index behind what Receive has returned
}

// Read opens a reading, which is kept as long as the Broker. It is read by any number of streams, each of which is given all.
func (b *Broker) Read(ctx context.Context, name realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	s, err := b.follow(ctx, name, realtime.Following{Since: time.Now()}, nil)
	if err != nil {
		return nil, err
	}
	d := &durableStream{stream: s, name: r.Name}
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.readings[r.Name]
	if !ok || r.Back {
		from := b.now() - b.options.Retention.Milliseconds()
		at = t.log.since(from)
		d.from = time.UnixMilli(max(from, t.log.trimmed+1))
		if t.readings == nil {
			t.readings = map[string]uint64{}
		}
		t.readings[r.Name] = at
	}
	s.next, d.read = at, at
	return d, nil
}

// Receive is that of stream; a batch lies together in the log.
func (d *durableStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	messages, err := d.stream.Receive(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read += uint64(len(messages))
	return messages, err
}

// Ack moves the reading on.
func (d *durableStream) Ack(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("acknowledge of topic %q: %w", d.topic.name, err)
	}
	d.mu.Lock()
	read := d.read
	d.mu.Unlock()
	d.topic.mu.Lock()
	defer d.topic.mu.Unlock()
	if at, ok := d.topic.readings[d.name]; ok && at < read {
		d.topic.readings[d.name] = read
	}
	return nil
}

// From is where the reading began.
func (d *durableStream) From() time.Time { return d.from }

// EndReading forgets it.
func (b *Broker) EndReading(ctx context.Context, name realtime.Topic, reading string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("end a reading of topic %q: %w", name, err)
	}
	t, err := b.topic(name)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.readings, reading)
	return nil
}

// DurablePace is none: nothing takes any time. A reading keeps nothing that its topic does not, and says what it has lost.
func (b *Broker) DurablePace() realtime.DurablePace { return realtime.DurablePace{} }
