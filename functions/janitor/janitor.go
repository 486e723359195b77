package janitor

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Options configure a Janitor. Subscriptions, Leases and Connections are required.
type Options struct {
	Subscriptions realtime.SubscriptionStore
	Leases        realtime.LeaseStore
	Connections   realtime.ConnectionStore
	// Owed is told of dead connections; nil: they owe nothing.
	Owed realtime.LostConnections
	// Channels has which channels instances have occupied, and Events is told what becomes of them; both or neither.
	Channels realtime.Occupancies
	Events   realtime.ChannelEvents
	// Grace is how long an instance has to be without a valid lease, and how old what it has left,
	// before it is removed; default 5 minutes.
	Grace time.Duration
	// Confirm is the time between the two readings of a lease; default 15 s, the length of a lease.
	Confirm time.Duration
	// MaxTime is how long one run takes at most; default 50 s. What is left is for the next one.
	MaxTime time.Duration
	// CallTimeout is how long one call to a store may take; default 10 s.
	CallTimeout time.Duration
	// Parallel is how many instances are swept at once, and how many subscriptions of one; default 4.
	Parallel int
	Logger   *slog.Logger // nil discards
}

// Report is what one run did.
type Report struct {
	// Subscriptions counts those of all instances, and those deleted.
	Subscriptions Count `json:"subscriptions"`
	// Leases counts those of all instances, and those dropped.
	Leases Count `json:"leases"`
	// Connections counts those of dead instances, and those deleted.
	Connections Count `json:"connections"`
	// Channels is what was done about channels.
	Channels Channels `json:"channels"`
	// Lost is how many of them were handed to Owed.
	Lost int `json:"lost"`
	// Dead is how many instances were found dead, or have held no socket for as long.
	Dead int `json:"dead"`
	// Errors is how many things failed, which the next run tries again.
	Errors int `json:"errors"`
	// More says that the time was up before everything was done.
	More bool `json:"more"`
}

// Count is how many there were and how many of them are gone now.
type Count struct {
	Seen    int `json:"seen"`
	Deleted int `json:"deleted"`
}

// Janitor is the function as an http.Handler. It starts nothing that outlives a run.
type Janitor struct {
	o Options
}

// New returns a Janitor.
func New(o Options) *Janitor {
	if o.Grace <= 0 {
		o.Grace = 5 * time.Minute
	}
	if o.Confirm <= 0 {
		o.Confirm = 15 * time.Second
	}
	if o.MaxTime <= 0 {
		o.MaxTime = 50 * time.Second
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 10 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Janitor{o: o}
}

// ServeHTTP makes a run and answers what it did. 503 says that it could not tell who is dead and has
// removed nothing. Who may call it is for the platform to say.
func (j *Janitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use POST", r.Method)).Write(w)
		return
	}
	report, err := j.Run(r.Context())
	problem.WriteReport(w, report, err)
}

// Run makes one run. An error has CodeUnavailable and says that nothing was removed.
func (j *Janitor) Run(ctx context.Context) (Report, error) {
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, j.o.MaxTime)
	defer cancel()
	s := &sweep{o: &j.o, start: start}
	err := s.run(bounded)
	r := s.report
	if err != nil {
		j.o.Logger.ErrorContext(ctx, "the janitor could not tell who is dead", realtime.KeyError, err, realtime.KeyDuration, time.Since(start))
		return r, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the leases, or the leftovers of instances, could not be read; nothing was removed", RetryAfter: time.Minute, Err: err}
	}
	level := slog.LevelInfo
	if r.Errors > 0 {
		level = slog.LevelWarn
	}
	j.o.Logger.Log(ctx, level, "the janitor ran",
		keySubscriptions, r.Subscriptions, keyLeases, r.Leases, keyConnections, r.Connections, keyChannels, r.Channels, keyLost, r.Lost,
		keyDead, r.Dead, keyErrors, r.Errors, keyMore, r.More, realtime.KeyDuration, time.Since(start))
	return r, nil
}

// LogValue shows both numbers.
func (c Count) LogValue() slog.Value {
	return slog.GroupValue(slog.Int(keySeen, c.Seen), slog.Int(keyDeleted, c.Deleted))
}

// The keys of the line that each run logs, the names of Report's fields.
const (
	keySubscriptions = "subscriptions"
	keyLeases        = "leases"
	keyConnections   = "connections"
	keyChannels      = "channels"
	keyHeld          = "held"
	keyDue           = "due"
	keyTold          = "told"
	keyLag           = "lag"
	keyLost          = "lost"
	keyDead          = "dead"
	keyErrors        = "errors"
	keyMore          = "more"
	keySeen          = "seen"
	keyDeleted       = "deleted"
)
