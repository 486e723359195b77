package realtimetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Harness is what a driver gives to TestBroker.
type Harness struct {
	// Broker makes a backend; TestBroker calls it once per case. What it starts
	// it ends by t.Cleanup.
	Broker func(t *testing.T) BrokerBackend
	// Features are what the driver promises beyond the least.
	Features Features
	// Patience is how long a case waits for what has to come; 0 is 10 seconds.
	Patience time.Duration
	// Large is the number of messages of the case that publishes many; 0 is 10,000.
	Large int
}

// BrokerBackend is where the brokers of one case meet.
type BrokerBackend struct {
	// Open returns a broker as a process of its own would have it. It may return the
	// same one again, if the backend lives within it. The suite closes it.
	Open func(t *testing.T) realtime.Broker
	// Topic makes a topic that nobody has used; nil takes a name that is not in use.
	Topic func(t *testing.T) realtime.Topic
	// Fail lets the backend not store m, which is handed over next, and say so only after a moment, with an error
	// that is worth a retry. It is needed for Features.Failures.
	Fail func(t *testing.T, m *realtime.Message)
}

// Features say what a driver promises. The cases of a promise that is not made
// are left out.
type Features struct {
	// Ordered: messages of one channel arrive in the order in which one publisher handed them over. The contract asks for it; a driver that lacks it shows holes.
	Ordered bool
	// SameOrder: what several publishers publish to one channel at the same time is in the same order at
	// every stream. The contract asks for it too; the emulator of Pub/Sub lacks it.
	SameOrder bool
	// Replay: a stream brings what was published since a moment before it was opened.
	Replay bool
	// SingleChannels: the Broker is a realtime.ChannelFollower that follows single channels. What was published before an Add comes.
	SingleChannels bool
	// Persistent: what was published is there for a broker that is opened after
	// the one that published it was closed.
	Persistent bool
	// Topics: a topic has to be made; any other is refused with CodeNotFound.
	Topics bool
	// Failures: the backend may fail to store what was handed over, and be made to by BrokerBackend.Fail. One that
	// says before Publish returns what becomes of a message has no need of the case.
	Failures bool
	// MaxData is the largest Data; one byte more is refused with CodeTooLarge.
	// 0 leaves the case out.
	MaxData int
}

// bed is where one case of TestBroker runs.
type bed struct {
	*testing.T
	harness Harness
	backend BrokerBackend
	broker  realtime.Broker // of the publisher and of the first instance
	other   realtime.Broker // of another instance
	topic   realtime.Topic
}

func newBed(t *testing.T, h Harness) *bed {
	b := &bed{T: t, harness: h, backend: h.Broker(t)}
	b.broker, b.other = b.open(), b.open()
	b.topic = b.newTopic()
	return b
}

func (b *bed) open() realtime.Broker {
	broker := b.backend.Open(b.T)
	b.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			b.Errorf("close the broker: %v", err)
		}
	})
	return broker
}

func (b *bed) newTopic() realtime.Topic {
	if b.backend.Topic != nil {
		return b.backend.Topic(b.T)
	}
	return realtime.Topic("topic-" + strings.ToLower(rand.Text()))
}

// channel returns a channel of a tenant.
func (b *bed) channel(tenant, name string) realtime.Channel {
	b.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// event returns a Publication to the channel.
func event(c realtime.Channel, id string) *realtime.Message {
	return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Data: []byte(`{"id":"` + id + `"}`)}}
}

// publish hands messages over one after the other, without waiting between
// them, and then waits until all of them are stored.
func (b *bed) publish(broker realtime.Broker, topic realtime.Topic, messages ...*realtime.Message) {
	b.Helper()
	stored := make(chan error, len(messages))
	for _, m := range messages {
		broker.Publish(b.Context(), topic, m, func(err error) { stored <- err })
	}
	late := time.After(b.harness.Patience)
	for i := range messages {
		select {
		case err := <-stored:
			if err != nil {
				b.Fatalf("publish: %v", err)
			}
		case <-late:
			b.Fatalf("publish: %d of %d calls of done within %v", i, len(messages), b.harness.Patience)
		}
	}
}

// follow opens a stream of the bed's topic.
func (b *bed) follow(broker realtime.Broker, f realtime.Following) *reader {
	b.Helper()
	return b.followTopic(broker, b.topic, f)
}

// followTopic opens a stream, which is closed when the case ends.
func (b *bed) followTopic(broker realtime.Broker, topic realtime.Topic, f realtime.Following) *reader {
	b.Helper()
	s, err := broker.Follow(b.Context(), topic, f)
	if err != nil {
		b.Fatalf("follow: %v", err)
	}
	b.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			b.Errorf("close the stream of %s: %v", f.Instance, err)
		}
	})
	return &reader{bed: b, stream: s, name: fmt.Sprintf("%s, generation %d, of %s", f.Instance, f.Generation, topic), had: map[name]bool{}}
}

// reader reads a stream and keeps the first copy of each message. It bears what
// the contract allows: repetitions and interruptions.
type reader struct {
	*bed
	stream realtime.Stream
	name   string
	had    map[name]bool
	all    []realtime.Message
	copies bool // all of them are kept, and not only the first
}

// name tells a message from every other one that a case publishes.
type name struct {
	kind    realtime.Kind
	channel realtime.Channel
	id      string
}

// read waits until the stream has brought n messages in all, and returns them.
func (r *reader) read(n int) []realtime.Message {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), r.harness.Patience)
	defer cancel()
	for len(r.all) < n {
		batch, err := r.stream.Receive(ctx)
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			r.Fatalf("%s: after %d of %d messages: %v", r.name, len(r.all), n, err)
		}
		if err == nil && len(batch) == 0 {
			r.Fatalf("%s: Receive returned nothing and no error", r.name)
		}
		r.keep(batch)
	}
	return r.all
}

func (r *reader) keep(batch []realtime.Message) {
	for _, m := range batch {
		n := name{m.Kind, m.Channel, m.ID}
		if !r.had[n] || r.copies {
			r.had[n] = true
			r.all = append(r.all, m)
		}
	}
}

// quiet fails if the stream brings anything new within a moment.
func (r *reader) quiet() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
	defer cancel()
	n := len(r.all)
	for ctx.Err() == nil {
		batch, err := r.stream.Receive(ctx)
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			break
		}
		r.keep(batch)
	}
	for _, m := range r.all[n:] {
		r.Errorf("%s: got %s %q of %v, which is not its own", r.name, kindName(m.Kind), m.ID, m.Channel)
	}
}

// ids are the IDs of a channel's messages, in the order they came.
func (r *reader) ids(c realtime.Channel) []string {
	var ids []string
	for _, m := range r.all {
		if m.Channel == c {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func kindName(k realtime.Kind) string {
	switch k {
	case realtime.KindPublication:
		return "publication"
	case realtime.KindFence:
		return "fence"
	case realtime.KindBeacon:
		return "beacon"
	case realtime.KindPulse:
		return "pulse"
	}
	return fmt.Sprintf("kind %d", k)
}

// calls counts the calls of done functions, by message.
type calls struct {
	mu    sync.Mutex // guards count
	count map[string]int
	each  chan struct{} // one per call, up to its capacity
}

func newCalls(n int) *calls {
	return &calls{count: map[string]int{}, each: make(chan struct{}, n)}
}

// done returns the done function of a message.
func (c *calls) done(id string) func(error) {
	return func(error) {
		c.mu.Lock()
		c.count[id]++
		c.mu.Unlock()
		select {
		case c.each <- struct{}{}:
		default:
		}
	}
}

func (c *calls) of(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[id]
}
