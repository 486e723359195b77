package gcppubsub

import (
	"context"
	"errors"
	"io"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"

	"github.com/tidewire/tidewire/realtime"
)

// reasonSilent is that of realtime.CountBackendErrors for a stream whose server showed no sign of life.
const reasonSilent realtime.Reason = "pubsub silent"

const (
	// pullMessages and pullBytes are what Pub/Sub may have under way to one stream.
	pullMessages = 2000
	pullBytes    = 32 << 20
	// pullProtocol is the version of the protocol of streaming pulls in which both sides send empty messages as signs
	// of life.
	pullProtocol = 1
	// ackIDs is how many acknowledgements Google's own clients put into a request, and ackBytes the size that Pub/Sub documents
	// for one (512 KiB) less what is around them.
	ackIDs   = 1000
	ackBytes = 500 << 10
)

// errSilent ends a pull whose server has shown no sign of life for too long.
var errSilent = errors.New("the server stopped responding")

// pull is one call of StreamingPull.
type pull struct {
	call  pubsubpb.Subscriber_StreamingPullClient
	heard atomic.Int64 // when the server last sent anything, Unix nanoseconds
	away  atomic.Bool  // nobody listens: the Hub is behind

	mu sync.Mutex // held while sending: acknowledgements and pings take turns
}

// pullOnce pulls until it is interrupted. Everything is acknowledged as it comes, unless it is a reading: what the Hub
// holds is not durable, and a replay brings what it loses.
func (s *stream) pullOnce(ctx context.Context) (brought bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx) // ends the call
	defer cancel(nil)
	line, err := s.broker.lines.take(ctx)
	if err != nil {
		return false, err
	}
	defer s.broker.lines.give(line)
	p := &pull{}
	p.heard.Store(time.Now().UnixNano())
	// The client adds this to every other call by itself. It leads the call to where the subscription is served.
	routed := gax.InsertMetadataIntoOutgoingContext(ctx, "x-goog-request-params", "subscription="+url.QueryEscape(s.name))
	if p.call, err = line.client.StreamingPull(routed); err != nil {
		return false, err
	}
	err = p.ask(s.opening())
	if err != nil {
		return false, err
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		if p.watch(ctx, s.broker.o.PingEvery) {
			s.broker.metrics.Add(realtime.CountBackendErrors, "", reasonSilent, 1)
			cancel(errSilent)
		}
	})
	if s.reading != nil {
		watching.Go(func() { p.leave(ctx, s.reading.leaving) })
	}
	defer watching.Wait()
	defer cancel(nil) // before waiting
	for {
		answer, err := p.call.Recv()
		if err != nil {
			return brought, because(ctx, err)
		}
		p.heard.Store(time.Now().UnixNano())
		line.hear()
		if len(answer.GetReceivedMessages()) == 0 {
			continue
		}
		brought = true
		b := batch{}
		b.messages, b.acks = s.read(answer.GetReceivedMessages())
		if s.reading == nil {
			if err := p.acknowledge(b.acks); err != nil {
				return brought, because(ctx, err)
			}
			b.acks = nil
		}
		p.away.Store(true)
		if err := s.put(ctx, b); err != nil {
			return brought, err
		}
		p.heard.Store(time.Now().UnixNano())
		p.away.Store(false)
	}
}

// leave says that nothing more is wanted, when that is so: the server ends the call, and holds back nothing for it.
func (p *pull) leave(ctx context.Context, leaving <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-leaving:
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = p.call.CloseSend() // Recv says what becomes of it
	}
}

// opening is the first request of a pull. Of a reading all may be under way that its reader takes: it acknowledges in the end.
func (s *stream) opening() *pubsubpb.StreamingPullRequest {
	r := &pubsubpb.StreamingPullRequest{
		Subscription: s.name, StreamAckDeadlineSeconds: int32(ackDeadline / time.Second),
		MaxOutstandingMessages: pullMessages, MaxOutstandingBytes: pullBytes,
		ClientId: s.client, ProtocolVersion: pullProtocol,
	}
	if s.reading != nil {
		r.StreamAckDeadlineSeconds, r.MaxOutstandingMessages, r.MaxOutstandingBytes = int32(s.broker.o.Redelivery/time.Second), 0, 0
	}
	return r
}

// because says why a call has ended: by us, if so.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

// watch sends pings until the call has ended. It reports that the server sends nothing for half as long again.
func (p *pull) watch(ctx context.Context, every time.Duration) (silent bool) {
	ping, look := time.NewTicker(every), time.NewTicker(every/6)
	defer ping.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ping.C:
			if p.send(&pubsubpb.StreamingPullRequest{}) != nil {
				return false // Recv says why
			}
		case now := <-look.C:
			if !p.away.Load() && now.UnixNano()-p.heard.Load() > int64(every+every/2) {
				return true
			}
		}
	}
}

func (p *pull) send(r *pubsubpb.StreamingPullRequest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.call.Send(r)
}

// ask sends, and says why the call has ended if it has. It belongs to the goroutine that receives.
func (p *pull) ask(r *pubsubpb.StreamingPullRequest) error {
	err := p.send(r)
	if errors.Is(err, io.EOF) { // Recv knows why
		if _, err = p.call.Recv(); err == nil {
			err = io.ErrUnexpectedEOF
		}
	}
	return err
}

// acknowledge sends acknowledgements, in requests of a bounded size.
func (p *pull) acknowledge(ids []string) error {
	for _, r := range ackRequests(ids) {
		if err := p.ask(r); err != nil {
			return err
		}
	}
	return nil
}

// ackRequests puts acknowledgements into requests, of which each is as large as Pub/Sub takes.
func ackRequests(ids []string) []*pubsubpb.StreamingPullRequest {
	var all []*pubsubpb.StreamingPullRequest
	from, bytes := 0, 0
	for i, id := range ids {
		size := len(id) + 4 // its tag and length
		if i > from && (i-from == ackIDs || bytes+size > ackBytes) {
			all = append(all, &pubsubpb.StreamingPullRequest{AckIds: ids[from:i]})
			from, bytes = i, 0
		}
		bytes += size
	}
	if from < len(ids) {
		all = append(all, &pubsubpb.StreamingPullRequest{AckIds: ids[from:]})
	}
	return all
}

// read decodes what came. What is no message of Tidewire is acknowledged and counted.
func (s *stream) read(received []*pubsubpb.ReceivedMessage) (messages []realtime.Message, acks []string) {
	messages = make([]realtime.Message, 0, len(received))
	acks = make([]string, 0, len(received))
	for _, r := range received {
		acks = append(acks, r.GetAckId())
		m, err := decode(r.GetMessage())
		if err != nil {
			s.broker.metrics.Add(realtime.CountDrops, "", realtime.ReasonMalformed, 1)
			s.broker.o.Logger.Debug("a message on a topic is not Tidewire's", realtime.KeyTopic, s.topic, realtime.KeyError, err)
			continue
		}
		messages = append(messages, m)
	}
	return messages, acks
}
