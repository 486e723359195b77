// Package tail prints what is published to channels, over as many connections as it takes.
package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// FirstTries is how often tail tries to read all of its channels before it takes it that it cannot.
const FirstTries = 4

// Tail is a client that resumes.
type Tail struct {
	Out, Err      io.Writer // messages; and what else there is to say
	Server, Token string    // the address of the gateway, as the user named it
	JSON          bool      // print frames
	Pretty        bool      // print data on lines of its own
	Channels      []string
	MaxBytes      int64                     // a second, of all together; 0 is without bound
	Options       tidewire.SubscribeOptions // of each channel

	stop context.CancelCauseFunc

	mu         sync.Mutex // guards what follows, and Out
	unanswered map[string]bool
	failures   int
}

// errInterrupted is the end that the user wants.
var errInterrupted = errors.New("interrupted")

// Run reads until ctx ends, over as many connections as it takes.
func (t *Tail) Run(ctx context.Context) error {
	own, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	t.stop = stop
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { stop(errInterrupted) })()
	c, err := tidewire.New(tidewire.Options{URL: t.Server, Token: tidewire.StaticToken(t.Token), OnState: t.state, MaxBytesPerSecond: t.MaxBytes})
	if err != nil {
		return err
	}
	defer c.Close()
	subscriptions, err := t.subscribe(c)
	if err != nil {
		return err
	}
	var readers sync.WaitGroup
	for _, s := range subscriptions {
		readers.Go(func() { t.end(s.Channel(), t.read(own, s)) })
	}
	if err := c.Connect(own); err != nil {
		t.end("", err)
	}
	readers.Wait()
	if why := context.Cause(own); !errors.Is(why, errInterrupted) {
		return why
	}
	return nil
}

// subscribe asks for the channels, and for what is sent to the connection.
func (t *Tail) subscribe(c *tidewire.Client) (all []*tidewire.Subscription, err error) {
	t.unanswered = map[string]bool{}
	for _, name := range t.Channels {
		if t.unanswered[name] {
			continue
		}
		s, err := c.Subscribe(name, t.Options)
		if err != nil {
			return nil, err
		}
		t.unanswered[name] = true
		all = append(all, s)
	}
	direct, err := c.Direct(tidewire.SubscribeOptions{})
	return append(all, direct), err
}

// read prints what comes of a channel. It never returns nil.
func (t *Tail) read(ctx context.Context, s *tidewire.Subscription) error {
	for {
		u, err := s.Next(ctx)
		if err != nil {
			return err
		}
		if err := t.take(&u); err != nil {
			return err
		}
	}
}

// end ends all with the first error there is.
func (t *Tail) end(channel string, err error) {
	if known := (*realtime.Error)(nil); channel != "" && errors.As(err, &known) {
		named := *known
		named.Message = channel + ": " + known.Message
		err = &named
	}
	t.stop(err)
}

// state tells of the connection, and gives up on a gateway with which it never began.
func (t *Tail) state(s tidewire.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	switch s.Phase {
	case tidewire.PhaseLive:
		err = t.say("connected to %s as %s of %s", t.Server, s.User, s.Tenant)
	case tidewire.PhaseWaiting:
		if t.failures++; len(t.unanswered) > 0 && t.failures >= FirstTries {
			t.stop(&realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("giving up on %s after %d tries", t.Server, t.failures), Err: s.Err})
			return
		}
		err = t.say("%v; reconnecting in %v", s.Err, time.Until(s.Until).Round(100*time.Millisecond))
	case tidewire.PhaseEnded:
		t.stop(s.Err)
	}
	if err != nil {
		t.stop(err)
	}
}

// say tells whoever runs it something that is no message.
func (t *Tail) say(format string, args ...any) error {
	_, err := fmt.Fprintf(t.Err, "tidewire: "+format+"\n", args...)
	return err
}
