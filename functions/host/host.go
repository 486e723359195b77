package host

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/internal/flight"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

// Open assembles a function. ctx ends when it has taken too long, and not when the request
// that caused it ends. close, which may be nil, lets go what was opened, until its context ends; it is called once,
// when no request is inside any more.
type Open func(ctx context.Context) (handler http.Handler, close shutdown.Step, err error)

// Options configure a Host. The zero value works.
type Options struct {
	// OpenTimeout is how long one attempt to open may take; default 20 s.
	OpenTimeout time.Duration
	// RetryMin and RetryMax are how long after a failed attempt none is made: first
	// the one, twice as long after each further failure, at most the other; default 1 s and 30 s.
	RetryMin, RetryMax time.Duration
	Logger             *slog.Logger // of attempts that failed; nil discards
}

// Host runs the functions of one process. It is safe for concurrent use. Close it.
type Host struct {
	o Options

	mu        sync.Mutex // guards what follows
	inside    int        // requests
	functions []*function
	closing   bool
	empty     chan struct{} // closed when closing and nobody is inside
}

// New returns a Host of no functions.
func New(o Options) *Host {
	if o.OpenTimeout <= 0 {
		o.OpenTimeout = 20 * time.Second
	}
	if o.RetryMin <= 0 {
		o.RetryMin = time.Second
	}
	if o.RetryMax < o.RetryMin {
		o.RetryMax = max(30*time.Second, o.RetryMin)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Host{o: o, empty: make(chan struct{})}
}

// Function returns the handler of a function that is opened at its first request.
func (h *Host) Function(open Open) http.HandlerFunc {
	f := &function{host: h, open: open, opening: flight.New[struct{}, struct{}](h.o.OpenTimeout, 0, h.contain)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.functions = append(h.functions, f)
	return f.serve
}

// closeTime is what requests leave for the closing of what was opened.
const closeTime = 1500 * time.Millisecond

// Close lets nobody in any more, waits for those who are inside, and
// closes what was opened unless somebody still uses it: all until ctx ends. Only the first call does anything.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		return nil
	}
	h.closing = true
	if h.inside == 0 {
		close(h.empty)
	}
	functions := h.functions
	h.mu.Unlock()
	waiting, cancel := shutdown.Before(ctx, closeTime)
	defer cancel()
	select {
	case <-h.empty:
	case <-waiting.Done():
		return waiting.Err()
	}
	errs := make(chan error, len(functions))
	for _, f := range functions {
		go func() { errs <- shutdown.End(ctx, f.close) }()
	}
	var err error
	for range functions {
		err = errors.Join(err, <-errs)
	}
	return err
}

// enter reports whether a request may come in; then it has to exit.
func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.inside++
	return true
}

func (h *Host) exit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inside--; h.inside == 0 && h.closing {
		close(h.empty)
	}
}

// function is one of them.
type function struct {
	host *Host
	open Open

	opening *flight.Group[struct{}, struct{}] // the attempts

	mu       sync.Mutex // guards what follows
	handler  http.Handler
	letGo    shutdown.Step
	err      error     // of the last attempt
	failures int       // in a row
	retryAt  time.Time // no attempt before
}

func (f *function) serve(w http.ResponseWriter, r *http.Request) {
	if !f.host.enter() {
		problem.Write(w, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away; try again", RetryAfter: time.Second})
		return
	}
	defer f.host.exit()
	bounded(w)
	handler, err := f.opened(r.Context())
	if err != nil {
		problem.Write(w, err)
		return
	}
	problem.Contain(handler, f.host.o.Logger, realtime.NoMetrics{}).ServeHTTP(w, r)
}

const (
	// readWithin is how long a request's body may take, writeWithin how long all of the request may: Cloud Run
	// ends it after one minute.
	readWithin  = time.Minute
	writeWithin = 2 * time.Minute
)

// bounded sets the deadlines that the server of the functions framework does not have: without them a body that never
// comes would be waited for for ever.
func bounded(w http.ResponseWriter) {
	c, now := http.NewResponseController(w), time.Now()
	_ = c.SetReadDeadline(now.Add(readWithin)) // a writer that knows no deadlines is a test's
	_ = c.SetWriteDeadline(now.Add(writeWithin))
}

// opened returns the handler, and waits for it if it has to.
func (f *function) opened(ctx context.Context) (http.Handler, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.handler == nil {
		if wait := time.Until(f.retryAt); wait > 0 {
			return nil, notOpen(wait, f.err)
		}
		attempt := f.attempt()
		f.mu.Unlock()
		_, gone := attempt.Wait(ctx)
		f.mu.Lock()
		if gone != nil && f.handler == nil {
			return nil, notOpen(time.Second, gone)
		}
	}
	return f.handler, nil
}

// notOpen is what those are told who come while a function cannot be opened.
func notOpen(wait time.Duration, err error) error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the function could not start and will try again; its log has the reason", RetryAfter: wait, Err: err}
}

// attempt opens the function, or joins who does; f.mu is held, and its caller is inside. An attempt belongs to no request, because
// the one that caused it may leave while others wait; so it counts as one that is inside itself.
func (f *function) attempt() *flight.Call[struct{}] {
	if c := f.opening.Underway(struct{}{}); c != nil {
		return c
	}
	f.host.mu.Lock()
	f.host.inside++ // the request that asks is inside, so the Host is not empty yet
	f.host.mu.Unlock()
	return f.opening.Join(struct{}{}, func(ctx context.Context) (none struct{}, _ error) {
		defer f.host.exit()
		var handler http.Handler
		var letGo shutdown.Step
		var err error
		if bad := f.host.contain(func() { handler, letGo, err = f.open(ctx) }); bad != nil {
			err = bad // it is tried again, like any other failure
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if err == nil {
			f.handler, f.letGo = handler, letGo
		} else {
			f.failed(err)
		}
		return none, nil
	})
}

// contain ends a panic of what opens a function.
func (h *Host) contain(do func()) error {
	if bad := contain.Do(h.o.Logger, realtime.NoMetrics{}, contain.Request, do); bad != nil {
		return bad
	}
	return nil
}

// failed says when the next attempt may be; f.mu is held.
func (f *function) failed(err error) {
	o := &f.host.o
	wait := o.RetryMax
	if doubled := o.RetryMin << min(f.failures, 30); doubled < wait {
		wait = doubled
	}
	f.failures++
	f.err, f.retryAt = err, time.Now().Add(wait)
	o.Logger.Error("the function cannot start", realtime.KeyError, err, realtime.KeyDuration, wait)
}

// close lets go what was opened. Nobody is inside.
func (f *function) close(ctx context.Context) error {
	f.opening.Close() // all have ended but for a few steps
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.letGo == nil {
		return nil
	}
	return f.letGo(ctx)
}
