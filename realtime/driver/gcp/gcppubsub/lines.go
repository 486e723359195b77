package gcppubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// lines is the pool of gRPC connections over which subscriptions are pulled, made and deleted. Pub/Sub takes 100
// streams a connection (gRPC's MAX_CONCURRENT_STREAMS), and a call more would wait for ever; so
// there are as many connections as the streams need, apart from those that publish.
//
// A connection on which nothing was heard lately takes no further stream: TCP may take a quarter of an hour, and
// gRPC's keepalive 40 s, to find that its peer has gone, and whoever follows anew because of that must not be given
// the same connection again.
type lines struct {
	options []option.ClientOption
	most    int // streams a line

	mu     sync.Mutex // guards what follows, and streams and calls of each
	all    []*line
	closed bool
}

// trustedFor is how long a connection is taken for alive after something was heard on it, or after it was opened. A
// Hub waits longer than that for what it follows anew for (Pace.Fence), and hears more often from a topic that it
// follows (Pace.Pulse) than it opens connections.
const trustedFor = 10 * time.Second

// line is one connection.
type line struct {
	client  *vkit.SubscriptionAdminClient
	heard   atomic.Int64 // when something came last, or it was opened; Unix nanoseconds
	streams int
	calls   int
}

// hear says that something came from the server.
func (l *line) hear() { l.heard.Store(time.Now().UnixNano()) }

func (l *line) trusted(now time.Time) bool { return now.UnixNano()-l.heard.Load() < int64(trustedFor) }

func newLines(options []option.ClientOption, most int) *lines {
	return &lines{options: append(options, option.WithGRPCConnectionPool(1)), most: most}
}

// take returns a line with room for a stream; it has to be given back.
func (l *lines) take(ctx context.Context) (*line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used, err := l.find(ctx, func(have *line) bool { return have.streams < l.most })
	if err == nil {
		used.streams++
	}
	return used, err
}

// call makes one call over a line. Whatever the server answers shows that the connection is alive.
func (l *lines) call(ctx context.Context, call func(*vkit.SubscriptionAdminClient) error) error {
	l.mu.Lock()
	used, err := l.find(ctx, func(*line) bool { return true })
	if err != nil {
		l.mu.Unlock()
		return err
	}
	used.calls++
	l.mu.Unlock()
	err = call(used.client)
	switch {
	case answered(err):
		used.hear()
	case status.Code(err) == codes.DeadlineExceeded:
		used.heard.Store(0) // nobody is given it again before something is heard
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	used.calls--
	l.tidy()
	return err
}

// answered reports whether an error, or none, came from the server.
func answered(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown:
		return false
	}
	return true
}

// find returns a trusted line that suits, a new one if there is none. l.mu is held.
func (l *lines) find(ctx context.Context, suits func(*line) bool) (*line, error) {
	if l.closed {
		return nil, errClosed()
	}
	now := time.Now()
	for _, have := range l.all {
		if have.trusted(now) && suits(have) {
			return have, nil
		}
	}
	client, err := vkit.NewSubscriptionAdminClient(context.WithoutCancel(ctx), l.options...)
	if err != nil {
		return nil, fmt.Errorf("open a connection to pub/sub: %w", err)
	}
	added := &line{client: client}
	added.hear()
	l.all = append(l.all, added)
	return added, nil
}

// give gives a stream's place back. Lines that are alive stay open: the next tenant needs them.
func (l *lines) give(used *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used.streams--
	l.tidy()
}

// tidy closes connections that nobody uses and nobody will be given. l.mu is held.
func (l *lines) tidy() {
	now := time.Now()
	l.all = slices.DeleteFunc(l.all, func(have *line) bool {
		if have.streams > 0 || have.calls > 0 || have.trusted(now) {
			return false
		}
		_ = have.client.Close() // nothing is under way on it
		return true
	})
}

func (l *lines) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var faults []error
	for _, have := range l.all {
		faults = append(faults, have.client.Close())
	}
	l.all, l.closed = nil, true
	return errors.Join(faults...)
}
