package gcppubsub

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// leftovers are subscriptions that could not be deleted when they should have been. They
// are tried again until it works, since nobody else removes what a living instance has.
type leftovers struct {
	remove func(ctx context.Context, path string) error
	broker *Broker

	mu      sync.Mutex // guards what follows
	paths   map[string]struct{}
	running bool
}

// The pace at which leftovers are tried again.
const (
	leftoverMin  = time.Second
	leftoverMax  = 30 * time.Second
	leftoverTime = 5 * time.Second // one deletion
)

// let deletes a subscription, now or later. Its error says that it was not now.
func (l *leftovers) let(ctx context.Context, path string) error {
	err := l.remove(ctx, path)
	if err != nil {
		l.keep(path)
	}
	return err
}

func (l *leftovers) keep(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths[path] = struct{}{}
	if l.running {
		return
	}
	b := l.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return // the janitor's, once the instance's lease has ended
	}
	l.running = true
	b.running.Go(func() { l.retry(b.life) })
}

// retry goes on until nothing is left or ctx ends.
func (l *leftovers) retry(ctx context.Context) {
	for wait := leftoverMin; ; wait = min(2*wait, leftoverMax) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		for _, path := range l.left() {
			trying, cancel := context.WithTimeout(ctx, leftoverTime)
			err := l.remove(trying, path)
			cancel()
			if err != nil {
				l.broker.o.Logger.DebugContext(ctx, "a subscription is still left behind", realtime.KeyError, err)
				break // the others fare no better
			}
			wait = leftoverMin
			l.gone(path)
		}
		if l.rest() {
			return
		}
	}
}

func (l *leftovers) left() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.paths))
}

func (l *leftovers) gone(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.paths, path)
}

// rest ends the retrying if nothing is left.
func (l *leftovers) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = len(l.paths) > 0
	return !l.running
}
