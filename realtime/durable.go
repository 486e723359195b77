package realtime

import (
	"context"
	"time"
)

// DurableReader is a Broker whose topics can be read on from where the reader before has ended, whatever has become of that: a
// reading has a name and outlives who reads. Implementations are safe for concurrent use; realtimetest.TestDurable is this contract as a test.
type DurableReader interface {
	// Read opens a reading of a topic, and begins it if there is none of that name. The messages that no reader has acknowledged come in the order of
	// each channel, of every kind that a Stream has. Of two streams that are open at a time each
	// is given all, or a part; what neither acknowledges comes again.
	//
	// ctx bounds the opening only. An *Error with CodeNotFound says that there is no such topic, CodeUnavailable that it is worth a retry.
	Read(ctx context.Context, topic Topic, r Reading) (DurableStream, error)
	// EndReading ends a reading, so that the topic keeps nothing for it. That there is none is no error.
	EndReading(ctx context.Context, topic Topic, name string) error
	// DurablePace returns how long things take. It does not change.
	DurablePace() DurablePace
}

// Reading says what is read.
type Reading struct {
	Name string // 1 to 20 of a-z, 0-9 and '-'
	// Back begins once more with what the topic still keeps, though it was acknowledged.
	Back bool
}

// Check refuses a name that cannot be one of a subscription.
func (r Reading) Check() error {
	ok := r.Name != "" && len(r.Name) <= 20
	for i := range len(r.Name) {
		c := r.Name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return Errorf(CodeBadRequest, "name: must be 1 to 20 of a-z, 0-9 and '-', got %q", clip(r.Name))
	}
	return nil
}

// DurablePace is how long it takes until something comes again.
type DurablePace struct {
	// Redelivery is how long what was received and not acknowledged is held back at most, if its stream was not closed in order.
	Redelivery time.Duration
	// Settle is how long after Read it takes at most until what it goes back over has come.
	Settle time.Duration
	// Quiet is how long after a message one of another channel, which was published before it, may come.
	Quiet time.Duration
	// Retention is how long it is kept for a reading what was not acknowledged, if what is lost is not told of; zero if it is.
	Retention time.Duration
}

// DurableStream is one reader's view of a reading. Receive and Ack are called by one goroutine at a time; Close by any.
type DurableStream interface {
	// Receive is that of Stream. A reading that has lost messages, which were not acknowledged and are not kept any more, ends with
	// CodeTooSlow; then it has to be read with Back.
	Receive(ctx context.Context) ([]Message, error)
	// Ack acknowledges all that Receive has returned. After an error some of it comes again, as it may after none.
	Ack(ctx context.Context) error
	// From is the moment from which the stream brings everything, if it began the reading or goes back; zero if it goes on.
	From() time.Time
	// Close ends the stream, and not the reading: what was not acknowledged comes to the next one at once. It may be called twice.
	Close(ctx context.Context) error
}
