package gcp

import (
	"context"
	"errors"
	"fmt"
	"sync"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/api/option"
)

// lines are the gRPC connections that streams are pulled over. Pub/Sub takes 100
// streams a connection (gRPC's MAX_CONCURRENT_STREAMS), and a call more would wait for ever; so
// there are as many connections as the streams need, apart from the one that publishes.
type lines struct {
	options []option.ClientOption
	most    int // streams a line

	mu  sync.Mutex // guards all below
	all []*line
}

// line is one connection.
type line struct {
	client  *vkit.SubscriptionAdminClient
	streams int
}

func newLines(options []option.ClientOption, most int) *lines {
	return &lines{options: append(options, option.WithGRPCConnectionPool(1)), most: most}
}

// take returns a line with room for a stream; it has to be given back.
func (l *lines) take(ctx context.Context) (*line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, have := range l.all {
		if have.streams < l.most {
			have.streams++
			return have, nil
		}
	}
	client, err := vkit.NewSubscriptionAdminClient(context.WithoutCancel(ctx), l.options...)
	if err != nil {
		return nil, fmt.Errorf("open a connection to pub/sub: %w", err)
	}
	added := &line{client: client, streams: 1}
	l.all = append(l.all, added)
	return added, nil
}

// give gives a stream's place back. Lines stay open: the next tenant needs them.
func (l *lines) give(used *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used.streams--
}

func (l *lines) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var faults []error
	for _, have := range l.all {
		faults = append(faults, have.client.Close())
	}
	l.all = nil
	return errors.Join(faults...)
}
