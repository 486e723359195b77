package retained

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Options configure a Reader. Broker is required.
type Options struct {
	Broker realtime.Broker
	// Placement says which topic carries a tenant, everywhere the same; nil is realtime.OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// Filters compiles filters; nil refuses them all, and channels with an enforced one.
	Filters view.Compiler
	// Payload is that of hub.Options: it judges the Data of what a Broker has carried. nil takes all.
	Payload func(data []byte) ([]byte, error)
	// Within is how long a reading may take; 0 is 30 s. Parallel is how many there are at once, and Waiting how many more may wait for their
	// turn; 0 is 4 and 64. Bytes bounds what one keeps, of which the oldest goes first; 0 is 32 MiB. What decides of conditions takes a quarter of it more, while it reads.
	Within   time.Duration
	Parallel int
	Waiting  int
	Bytes    int

	Metrics realtime.Metrics // nil forgets
	Logger  *slog.Logger     // nil discards
}

func (o Options) withDefaults() Options {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.Payload == nil {
		o.Payload = func(data []byte) ([]byte, error) { return data, nil }
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&o.Parallel, 4}, {&o.Waiting, 64}, {&o.Bytes, 32 << 20}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Within == 0 {
		o.Within = 30 * time.Second
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Reader reads what topics keep. It is safe for concurrent use. Close it.
type Reader struct {
	o      Options
	name   string // of its subscriptions
	number atomic.Uint64
	views  *view.Builder
	turns  chan struct{} // holds one for each reading under way

	life context.Context // ends with Close
	end  context.CancelFunc

	mu       sync.Mutex // guards all below
	readings []*reading // under way, waiting, and done a moment ago; the oldest first
	waiting  int
	closed   bool
	running  sync.WaitGroup // each reading
}

// New returns a Reader. It makes no call before it is used.
func New(o Options) *Reader {
	o = o.withDefaults()
	r := &Reader{o: o, name: "history-" + uid.New(), views: view.NewBuilder(o.Filters), turns: make(chan struct{}, o.Parallel)}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Close ends the readings that are under way, and waits for them until ctx ends.
func (r *Reader) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	done := make(chan struct{})
	go func() {
		r.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	// firstReach is how far back is read at first where nothing says how far it has to be, and further how much more each time.
	firstReach = 5 * time.Minute
	further    = 12
	// margin is read beyond what is asked for: the first copy of what a publisher has repeated.
	margin = 2 * time.Minute
)

// Page returns a page of what was published to a channel of a tenant, as far as its namespace lets it be read. It shows what a principal may see, by
// the rules in force; nil sees everything. Errors: CodeBadRequest for bounds and filters that are none, CodeForbidden if a rule about what may
// be shown cannot be applied, CodeLimited if too much is being read, CodeUnavailable if it could not be read in time.
func (r *Reader) Page(ctx context.Context, t *realtime.Tenant, p *realtime.Principal, req *history.Request) (*history.Page, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	rules := t.Rules(req.Channel.Namespace())
	v, err := r.viewOf(p, &rules, req)
	if err != nil {
		return nil, err
	}
	ask := req.Ask
	ask.View = v
	reach := rules.Reach()
	now := time.Now()
	oldest := now.Add(-time.Duration(reach.For))
	ctx, cancel := context.WithTimeout(ctx, r.o.Within)
	defer cancel()
	for back := firstReach; ; back *= further {
		since, last := begins(&ask.HistoryQuery, now, oldest, back)
		rd, err := r.read(ctx, want{tenant: t, channel: req.Channel, reach: reach, since: since, until: upper(&ask.HistoryQuery)})
		if err != nil {
			return nil, err
		}
		page := rd.page(&ask)
		if page.More || last || rd.full() {
			r.o.Metrics.Add(realtime.CountHistory, t.ID, realtime.ReasonRetained, len(page.Entries))
			return page, nil
		}
	}
}

func (r *Reader) viewOf(p *realtime.Principal, n *realtime.Namespace, req *history.Request) (*view.View, error) {
	rules := view.Rules{Viewer: view.Viewer{Data: n.Filterable}}
	if p != nil {
		rules = view.RulesOf(p, req.Channel, n)
	}
	rules.Filter, rules.Fields = req.Filter, req.Fields
	return r.views.Build(&rules)
}

// begins returns the moment from which on a reading has to have everything, and whether there is no earlier one.
func begins(q *realtime.HistoryQuery, now, oldest time.Time, back time.Duration) (since time.Time, last bool) {
	low := max(q.After.Time, q.From)
	if low > 0 {
		since, last = time.UnixMilli(low), true
	} else if high := upper(q); high > 0 && high < now.UnixMilli() {
		since = time.UnixMilli(high).Add(-back)
	} else {
		since = now.Add(-back)
	}
	if since.Before(oldest) {
		since, last = oldest, true
	}
	return since, last
}

// upper is the moment up to which a query asks, ms; 0 is now.
func upper(q *realtime.HistoryQuery) int64 { return max(q.Before.Time, q.To) }

// read returns a reading that has what is wanted, of those there are, or a new one.
func (r *Reader) read(ctx context.Context, w want) (*reading, error) {
	rd, err := r.join(w)
	if err != nil {
		return nil, err
	}
	select {
	case <-rd.done:
		if rd.err != nil {
			return nil, rd.err
		}
		return rd, nil
	case <-ctx.Done():
		return nil, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the history could not be read in time", RetryAfter: 5 * time.Second, Err: ctx.Err()}
	}
}

// What is kept of readings that are done.
const (
	keptFor   = 30 * time.Second
	keptMost  = 32
	keptBytes = 64 << 20
)

// join returns a reading that has what is wanted, or will have it.
func (r *Reader) join(w want) (*reading, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(time.Now())
	for _, rd := range r.readings {
		if rd.has(&w) {
			return rd, nil
		}
	}
	if r.closed {
		return nil, realtime.Errorf(realtime.CodeDraining, "this instance is going away")
	}
	if r.waiting >= r.o.Waiting {
		return nil, &realtime.Error{Code: realtime.CodeLimited, Limit: "historyReadings", Message: "too many channels are being read", RetryAfter: 2 * time.Second}
	}
	rd := &reading{reader: r, want: w, done: make(chan struct{})}
	r.readings = append(r.readings, rd)
	r.waiting++
	r.running.Go(rd.run)
	return rd, nil
}

// forget drops readings that were done a while ago, or are too many. r.mu is held.
func (r *Reader) forget(now time.Time) {
	bytes, kept := 0, 0
	for i := len(r.readings) - 1; i >= 0; i-- { // the newest stay
		rd := r.readings[i]
		if rd.ended.IsZero() {
			continue
		}
		bytes, kept = bytes+rd.bytes, kept+1
		if rd.err != nil || now.Sub(rd.ended) > keptFor || kept > keptMost || bytes > keptBytes {
			r.readings = slices.Delete(r.readings, i, i+1)
		}
	}
}
