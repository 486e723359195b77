package keeper

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Reading is the name under which keepers read topics.
const Reading = "keeper"

// Options configure a Keeper. The first four are required.
type Options struct {
	// Broker publishes the markers, to the topics that Reader reads.
	Broker realtime.Broker
	Reader realtime.DurableReader
	// Tenants are asked for every document in every round: a cache should be before them.
	Tenants Tenants
	States  realtime.StateWriter
	// Placement says which topic carries a tenant; nil is realtime.OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// MaxTime is how long one round takes at most; default 50 s. What is left is for the next one.
	MaxTime time.Duration
	// ReadTime is how long one topic is read in a round at most; default 20 s.
	ReadTime time.Duration
	// Parallel is how many topics are kept at once; default 16.
	Parallel int
	// Bytes bounds what the folds of a round hold together. A fold that has its share is saved, and goes on; default 128 MiB.
	Bytes int
	// Discover is how old the list of tenants may be; default 5 minutes, which is to be less than the topics keep messages.
	Discover time.Duration
	Logger   *slog.Logger // nil discards
}

// Tenants are what a Keeper needs of a realtime.TenantStore.
type Tenants interface {
	realtime.Tenants
	List(ctx context.Context, after string, limit int) (ids []string, next string, err error)
}

// Report is what one round did.
type Report struct {
	Topics   int `json:"topics"`   // with durable state
	Kept     int `json:"kept"`     // read to their marker, and saved
	Busy     int `json:"busy"`     // that somebody else keeps
	Messages int `json:"messages"` // received
	Changes  int `json:"changes"`  // of keys and channels, saved
	Left     int `json:"left"`     // out, because they cannot be stored
	Errors   int `json:"errors"`   // topics that failed, which the next round tries again
	// Lag is how old the oldest of the watermarks is, as far as it is known, in seconds.
	Lag  float64 `json:"lag"`
	More bool    `json:"more"` // the time was up before everything was done
}

// Keeper keeps the state of all topics. It starts nothing that outlives a Run, and is safe for concurrent use.
type Keeper struct {
	o    Options
	pace realtime.DurablePace

	mu      sync.Mutex // guards what follows
	tenants []string
	listed  time.Time
	reading map[realtime.Topic]bool // topics that were read by this Keeper
}

// New returns a Keeper.
func New(o Options) *Keeper {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.MaxTime <= 0 {
		o.MaxTime = 50 * time.Second
	}
	if o.ReadTime <= 0 {
		o.ReadTime = 20 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Bytes <= 0 {
		o.Bytes = 128 << 20
	}
	if o.Discover <= 0 {
		o.Discover = 5 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{o: o, pace: o.Reader.DurablePace(), reading: map[realtime.Topic]bool{}}
}

// Run makes one round. An error says that nobody could tell which topics have state, and that nothing was done.
func (k *Keeper) Run(ctx context.Context) (Report, error) {
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, k.o.MaxTime)
	defer cancel()
	topics, unclear, err := k.topics(bounded)
	if err != nil {
		return Report{}, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the documents of tenants could not be read; nothing was kept", RetryAfter: time.Minute, Err: err}
	}
	t := &tally{report: Report{Topics: len(topics) + len(unclear), Errors: len(unclear)}, now: start}
	for topic, why := range unclear {
		k.o.Logger.WarnContext(ctx, "the state of a topic is left for the next round", realtime.KeyTopic, topic, realtime.KeyError, why)
	}
	var rounds sync.WaitGroup
	room := make(chan struct{}, k.o.Parallel)
	for topic, tenants := range topics { // in another order each time
		select {
		case room <- struct{}{}:
		case <-bounded.Done():
		}
		if bounded.Err() != nil {
			t.add(func(r *Report) { r.More = true })
			break
		}
		rounds.Go(func() {
			defer func() { <-room }()
			k.keep(bounded, topic, tenants, t)
		})
	}
	rounds.Wait()
	return t.report, nil
}

// keep makes a round of one topic, and counts what becomes of it.
func (k *Keeper) keep(ctx context.Context, topic realtime.Topic, tenants map[string]*realtime.Tenant, t *tally) {
	r := &round{keeper: k, topic: topic, name: strings.ToLower(rand.Text()), fold: newFold(tenants), tally: t, start: time.Now()}
	err := r.run(ctx)
	switch {
	case err == nil:
	case realtime.CodeOf(err) == realtime.CodeConflict:
		t.add(func(r *Report) { r.Busy++ })
	case ctx.Err() != nil:
		t.add(func(r *Report) { r.More = true })
	default:
		t.add(func(r *Report) { r.Errors++ })
		k.o.Logger.WarnContext(ctx, "the state of a topic is left for the next round", realtime.KeyTopic, topic, realtime.KeyError, err)
	}
}

// Every makes rounds until ctx ends, each so long after the last one.
func (k *Keeper) Every(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if _, err := k.Run(ctx); err != nil && ctx.Err() == nil {
			k.o.Logger.WarnContext(ctx, "nobody can tell what state to keep", realtime.KeyError, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tally gathers the report of a round.
type tally struct {
	now time.Time

	mu     sync.Mutex // guards report
	report Report
}

func (t *tally) add(count func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.report)
}

// behind says how far the store is with a topic; a topic without watermark has just begun.
func (t *tally) behind(watermark time.Time) {
	if !watermark.IsZero() {
		t.add(func(r *Report) { r.Lag = max(r.Lag, t.now.Sub(watermark).Seconds()) })
	}
}
