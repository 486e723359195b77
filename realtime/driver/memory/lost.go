package memory

import (
	"context"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.LostConnections = (*Lost)(nil)

// Lost is a realtime.LostConnections that keeps what it takes over, for tests and for programs of one process. It is safe for
// concurrent use.
type Lost struct {
	mu    sync.Mutex // guards what follows
	known map[realtime.ConnectionRef]struct{}
	docs  []realtime.ConnectionDoc
}

// NewLost returns one without connections.
func NewLost() *Lost { return &Lost{known: map[realtime.ConnectionRef]struct{}{}} }

// Lost takes connections over, each once.
func (l *Lost) Lost(ctx context.Context, docs []realtime.ConnectionDoc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range docs {
		ref := realtime.ConnectionRef{Tenant: docs[i].Tenant, ID: docs[i].ID}
		if _, again := l.known[ref]; !again {
			l.known[ref] = struct{}{}
			l.docs = append(l.docs, clone(&docs[i]))
		}
	}
	return nil
}

// Take returns what was taken over since the last call, in that order.
func (l *Lost) Take() []realtime.ConnectionDoc {
	l.mu.Lock()
	defer l.mu.Unlock()
	docs := l.docs
	l.docs = nil
	clear(l.known)
	return docs
}
