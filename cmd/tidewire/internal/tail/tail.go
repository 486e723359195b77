// Package tail prints what is published to channels, over as many connections as it takes.
package tail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// FirstTries is how often tail tries to read all of its channels before it takes it that it cannot.
const FirstTries = 4

// Tail is a client that resumes.
type Tail struct {
	Out, Err           io.Writer                    // messages; and what else there is to say
	Server, URL, Token string                       // as the user named the gateway; its socket
	JSON               bool                         // print frames
	Positions          map[string]realtime.Position // how far it has read, by channel

	asOf       int64
	unanswered map[string]bool // channels, on this connection
	reading    bool            // all channels were answered once, so that what breaks comes back
}

// outputError is output that nobody takes.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// Run reads until ctx ends, over as many connections as it takes.
func (t *Tail) Run(ctx context.Context) error {
	for failures := 0; ; {
		started := time.Now()
		err := t.connection(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // who interrupts it has seen enough
		}
		if time.Since(started) > time.Minute {
			failures = 0
		}
		wait, again := backoff(err, failures)
		if !again {
			return err
		}
		if failures++; !t.reading && failures >= FirstTries {
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("giving up on %s after %d tries", t.Server, failures), Err: err}
		}
		if err := t.say("%v; reconnecting in %v", err, wait.Round(100*time.Millisecond)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// say tells whoever runs it something that is no message.
func (t *Tail) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(t.Err, "tidewire: "+format+"\n", args...); err != nil {
		return outputError{err}
	}
	return nil
}

// backoff says whether to connect again and when: not after a refusal that
// stands, and never before the server said.
func backoff(err error, failures int) (time.Duration, bool) {
	var refused *realtime.Error
	var certificate *tls.CertificateVerificationError
	asked := time.Duration(0)
	if errors.As(err, new(outputError)) || errors.As(err, &certificate) {
		return 0, false
	}
	if errors.As(err, &refused) {
		switch refused.Code.Meaning().Advice {
		case realtime.AdviceStop, realtime.AdviceNewToken:
			return 0, false
		}
		asked = refused.RetryAfter
	}
	if failures == 0 && asked == 0 {
		return rand.N(500 * time.Millisecond), true //nolint:gosec // spreads reconnects, hides nothing
	}
	most := min(time.Second<<min(failures, 5), 30*time.Second)
	return asked + rand.N(most), true //nolint:gosec // as above
}

// connection reads over one connection until it ends. It never returns nil.
func (t *Tail) connection(ctx context.Context) error {
	c, err := socket.Dial(ctx, t.URL, http.Header{}, wire.Subprotocol)
	if err != nil {
		return client.DialError(err)
	}
	defer c.Close() //nolint:errcheck // it has ended, or is about to
	hello := wire.ClientFrame{Type: wire.TypeConnect, Token: t.Token, AsOf: t.asOf}
	t.unanswered = map[string]bool{}
	for name, since := range t.Positions {
		hello.Subscriptions = append(hello.Subscriptions, wire.Subscription{Channel: name, Since: since})
		t.unanswered[name] = true
	}
	if err := c.Write(hello.AppendJSON(nil)); err != nil {
		return err
	}
	for silence := time.Minute; ; {
		message, err := c.Read(silence)
		if err != nil {
			return client.Ended(err)
		}
		frame, err := wire.DecodeServer(message)
		if err != nil {
			return fmt.Errorf("the server sent something that is not a frame: %w", err)
		}
		if frame.Type == wire.TypeWelcome && frame.HeartbeatMs > 0 {
			silence = time.Duration(frame.HeartbeatMs) * time.Millisecond * 5 / 2
		}
		if err := t.take(&frame, message); err != nil {
			return err
		}
	}
}
