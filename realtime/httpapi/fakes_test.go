package httpapi_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// watchedRegistry is a registry that can be waited for, and that fails if it is told to.
type watchedRegistry struct {
	*memory.Registry
	mu      sync.Mutex // guards all below
	changed *sync.Cond
	fail    error
}

func newWatchedRegistry() *watchedRegistry {
	r := &watchedRegistry{Registry: memory.NewRegistry()}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *watchedRegistry) Renew(ctx context.Context, lease realtime.Lease) error {
	defer r.tell()
	return r.Registry.Renew(ctx, lease)
}

func (r *watchedRegistry) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	defer r.tell()
	return r.Registry.Connect(ctx, docs)
}

func (r *watchedRegistry) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	defer r.tell()
	return r.Registry.Disconnect(ctx, refs)
}

func (r *watchedRegistry) Connections(ctx context.Context, tenant string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	r.mu.Lock()
	fail := r.fail
	r.mu.Unlock()
	if fail != nil {
		return realtime.ConnectionPage{}, fail
	}
	return r.Registry.Connections(ctx, tenant, q)
}

func (r *watchedRegistry) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

// await waits until a connection is there, or is not.
func (r *watchedRegistry) await(t testing.TB, tenant, id string, there bool) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		page, err := r.Registry.Connections(t.Context(), tenant, realtime.ConnectionQuery{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if (len(page.Connections) > 0) == there {
			return
		}
		r.changed.Wait()
	}
}

// topics remembers which were made, and fails instead if it is told to.
type topics struct {
	mu   sync.Mutex // guards all below
	made []realtime.Topic
	fail error
}

func (t *topics) EnsureTopic(_ context.Context, topic realtime.Topic) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return t.fail
	}
	t.made = append(t.made, topic)
	return nil
}

// lines is a log.
type lines struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
