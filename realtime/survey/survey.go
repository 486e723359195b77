package survey

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Leases are asked whether an instance lives that has not answered. realtime.LeaseStore is one.
type Leases interface {
	Lease(ctx context.Context, instance string) (realtime.Lease, error)
}

// Options configure a Surveyor. Broker is required.
type Options struct {
	Broker realtime.Broker
	// Placement says which topic carries a tenant, everywhere the same; nil is realtime.OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// Subscriptions say which instances follow a topic, and Leases which of them live. Without Subscriptions no answer is complete; without Leases all live.
	Subscriptions realtime.SubscriptionStore
	Leases        Leases
	// Within is how long answers are waited for; 0 is 2 s. Opening is how long a line may take to open besides; 0 is 10 s.
	Within, Opening time.Duration
	// Parallel is how many questions may be under way; 0 is 64. Lines is how many may be open; 0 is 64.
	Parallel, Lines int

	Metrics realtime.Metrics // nil forgets
	Logger  *slog.Logger     // nil discards
}

func (o Options) withDefaults() Options {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.Within == 0 {
		o.Within = 2 * time.Second
	}
	if o.Opening == 0 {
		o.Opening = 10 * time.Second
	}
	if o.Parallel == 0 {
		o.Parallel = 64
	}
	if o.Lines == 0 {
		o.Lines = 64
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// asker is what the names of all Surveyors begin with.
const asker = "survey-"

// Surveyor asks. It is safe for concurrent use. Close it.
type Surveyor struct {
	o       Options
	name    string // whom the answers are for
	follows follows

	life context.Context // ends with Close
	end  context.CancelFunc

	mu        sync.Mutex // guards all below
	questions map[about]*question
	underWay  int
	lines     map[address]*line
	opened    uint64 // how many lines were
	sent      uint64 // how many queries were
	closed    bool
	running   sync.WaitGroup // questions, and lines
}

// New returns a Surveyor. It makes no call before it is used.
func New(o Options) *Surveyor {
	o = o.withDefaults()
	s := &Surveyor{o: o, name: asker + uid.New(), questions: map[about]*question{}, lines: map[address]*line{}}
	s.follows.from = o.Subscriptions
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends what is under way, closes the lines, and waits for that until ctx ends.
func (s *Surveyor) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
