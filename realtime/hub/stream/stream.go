package stream

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/pace"
)

// Owner is whoever follows the topic.
type Owner interface {
	// Lock and Unlock are those of the lock that guards Channels.
	Lock()
	Unlock()
	// Asks is told that the beacon is stored, and that the stream is about to be opened. The lock is held.
	Asks()
	// Opens is told that the stream is open, and since when it brings everything; of single channels, Added says that. The lock is not held.
	Opens(complete time.Time)
	// Fails is told why the stream could not be opened. It is tried again. The lock is not held.
	Fails(why error)
	// Since is from when on what was published to a channel is of use. The lock is held.
	Since(c realtime.Channel) time.Time
	// Added is told that a fence which is published to a channel from now on comes back behind everything that was published to the channel since a moment. The
	// lock is held.
	Added(c realtime.Channel, complete time.Time)
	// Go runs something and sees to it that it has ended before its owner has.
	Go(do func())
}

// Options say how a topic is followed. All but Single are required.
type Options struct {
	Owner    Owner
	Broker   realtime.Broker
	Topic    realtime.Topic
	Instance string
	Number   uint64 // of the generation
	Beacon   string // its ID
	Pace     pace.Pace
	Metrics  realtime.Metrics
	Log      *slog.Logger
	Single   *Channels // those that are wanted; nil: the whole topic is followed
}

// Open publishes the beacon and opens the stream, again and again until both are done. It returns nil when ctx ends first, which is that of all that
// follows.
func Open(ctx context.Context, o *Options) realtime.Stream {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		stream, err := o.try(ctx)
		if err == nil {
			if err = o.call(func() error { o.Owner.Opens(stream.CompleteSince()); return nil }); err == nil {
				return stream
			}
			_ = Close(ctx, o, stream) // what went wrong before is the news
		}
		if ctx.Err() != nil {
			return nil
		}
		o.Metrics.Add(realtime.CountFollows, "", realtime.ReasonFailed, 1)
		o.Log.Warn("a topic could not be followed", realtime.KeyTopic, o.Topic, realtime.KeyError, err)
		o.Owner.Fails(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *Options) try(ctx context.Context) (stream realtime.Stream, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Pace.Fence)
	defer cancel()
	err = o.call(func() error {
		stored := make(chan error, 1)
		o.Broker.Publish(ctx, o.Topic, &realtime.Message{
			Kind: realtime.KindBeacon, Publication: realtime.Publication{ID: o.Beacon}, Origin: o.Instance,
		}, func(err error) { stored <- err })
		if err := <-stored; err != nil {
			return err
		}
		o.asks()
		f := realtime.Following{Instance: o.Instance, Generation: o.Number, Since: time.Now().Add(-o.Pace.Horizon)}
		if o.Single == nil {
			stream, err = o.Broker.Follow(ctx, o.Topic, f)
			return err
		}
		stream, err = o.Single.follow(ctx, o, f)
		return err
	})
	return stream, err
}

func (o *Options) asks() {
	o.Owner.Lock()
	defer o.Owner.Unlock()
	o.Owner.Asks()
}

// Close closes a stream. A panic of the broker's is an error of the call.
func Close(ctx context.Context, o *Options, s realtime.Stream) error {
	return o.call(func() error { return s.Close(ctx) })
}

// Receive receives from a stream. A panic of the broker's is an error of the call.
func Receive(ctx context.Context, o *Options, s realtime.Stream) (messages []realtime.Message, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(o.Log, o.Metrics, contain.Broker, fault, []any{realtime.KeyTopic, o.Topic})
			err = realtime.Errorf(realtime.CodeInternal, "something went wrong")
		}
	}()
	return s.Receive(ctx)
}

// call calls the broker. If that panics, the call has failed.
func (o *Options) call(do func() error) (err error) {
	if fault := contain.Do(o.Log, o.Metrics, contain.Broker, func() { err = do() }, realtime.KeyTopic, o.Topic); fault != nil {
		return fault
	}
	return err
}
