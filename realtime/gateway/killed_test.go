package gateway_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// place is where a gateway is reached, whichever it is.
type place struct {
	mu      sync.Mutex // guards what follows
	gateway *bubbleListener
	breaks  int
}

// bubbleListener is a gateway and the connections to it.
type bubbleListener struct {
	*bubbleGateway
	gateway *gateway.Gateway
	server  *http.Server
	served  chan error

	mu     sync.Mutex // guards what follows
	opened []net.Conn
	killed bool
}

// slowStates are read slowly.
type slowStates struct {
	realtime.StateStore
	most time.Duration
}

func (s *slowStates) Checkpoint(ctx context.Context, topic realtime.Topic, c realtime.Channel) (*realtime.Checkpoint, error) {
	time.Sleep(rand.N(s.most + 1))
	return s.StateStore.Checkpoint(ctx, topic, c)
}

func (s *slowStates) Watermark(ctx context.Context, topic realtime.Topic) (time.Time, error) {
	time.Sleep(rand.N(s.most + 1))
	return s.StateStore.Watermark(ctx, topic)
}

// lagging is a broker that takes its time, and outlives those in front of it.
type lagging struct{ *memory.Broker }

func (lagging) Close(context.Context) error { return nil }

func (l lagging) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	time.Sleep(lag())
	s, err := l.Broker.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	return laggingStream{s}, nil
}

type laggingStream struct{ realtime.Stream }

func (s laggingStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	batch, err := s.Stream.Receive(ctx)
	time.Sleep(lag())
	return batch, err
}

// dial connects to whichever gateway is at a place.
func (p *place) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.mu.Lock()
	l, breaks := p.gateway, p.breaks > 0
	if breaks {
		p.breaks--
	}
	p.mu.Unlock()
	if breaks {
		return nil, errors.New("cut on purpose")
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		_ = far.Close()
	}
	l.opened = append(l.opened, far)
	return near, nil
}

// cut ends all connections, as a network does.
func (l *bubbleListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.opened {
		_ = c.Close()
	}
	l.opened = nil
}

// kill ends the gateway, whose clients hear nothing of it.
func (l *bubbleListener) kill() {
	l.mu.Lock()
	l.killed = true
	l.mu.Unlock()
	l.cut()
	_ = l.server.Close()
	<-l.served
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_ = l.gateway.Close(ctx) // it is cut off
}
