package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

func newTail(s std) *cobra.Command {
	from := access{std: s}
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tail [--since POSITION] CHANNEL...",
		Short: "Print what is published to channels",
		Long: "tail prints the messages of channels, and direct events for its user, until it is\n" +
			"interrupted. Each line is one message; with --json, each line is the server's\n" +
			"message or direct frame, unchanged.\n\n" +
			"On standard error it says when it is connected, when it reconnects, and when\n" +
			"something was missed. It reconnects and resumes by itself. It gives up when\n" +
			"retrying cannot help: the token or a channel is refused, the address is not a\n" +
			"gateway, or its first " + strconv.Itoa(firstTries) + " tries to connect fail.\n" + accessHelp + exitHelp,
		Example:           "  tidewire tail prices:equities",
		Args:              exactly(1, -1, "one CHANNEL or more"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, channels []string) error {
			start, err := realtime.ParsePosition(since)
			if err != nil {
				return usagef("--since: %w", err)
			}
			t := &tail{std: s, json: asJSON, positions: map[string]realtime.Position{}}
			for _, name := range channels {
				if _, err := realtime.NewChannel("any", name); err != nil {
					return usagef("CHANNEL: %w", err)
				}
				t.positions[name] = start
			}
			if err := from.resolve(cmd.Context()); err != nil {
				return err
			}
			t.server, t.token = from.url, from.token
			if t.url, err = socketURL(from.url); err != nil {
				return err
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return t.run(ctx)
		},
	}
	f := cmd.Flags()
	from.flags(cmd, "where the gateway is", "token that may subscribe")
	f.StringVar(&since, "since", "", "position to start from")
	f.BoolVar(&asJSON, "json", false, "print frames")
	return cmd
}

// socketURL turns the address of a gateway into that of its sockets.
func socketURL(address string) (string, error) {
	u, err := serverURL(address)
	if err != nil {
		return "", err
	}
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	return u.JoinPath("v1", "socket").String(), nil
}

// firstTries is how often tail tries to read all of its channels before it takes it that it cannot.
const firstTries = 4

// tail is one call of the command: a client that resumes.
type tail struct {
	std
	server, url, token string
	json               bool
	positions          map[string]realtime.Position // where it stands, by channel
	asOf               int64
	unanswered         map[string]bool // channels, on this connection
	reading            bool            // all channels were answered once, so that what breaks comes back
}

// outputError is output that nobody takes.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// run reads until ctx ends, over as many connections as it takes.
func (t *tail) run(ctx context.Context) error {
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
		if failures++; !t.reading && failures >= firstTries {
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("giving up on %s after %d tries", t.server, failures), Err: err}
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
func (t *tail) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(t.err, "tidewire: "+format+"\n", args...); err != nil {
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
func (t *tail) connection(ctx context.Context) error {
	c, err := socket.Dial(ctx, t.url, http.Header{}, wire.Subprotocol)
	if err != nil {
		return notGateway(err)
	}
	defer c.Close() //nolint:errcheck // it has ended, or is about to
	hello := wire.ClientFrame{Type: wire.TypeConnect, Token: t.token, AsOf: t.asOf}
	t.unanswered = map[string]bool{}
	for name, since := range t.positions {
		hello.Subscriptions = append(hello.Subscriptions, wire.Subscription{Channel: name, Since: since})
		t.unanswered[name] = true
	}
	if err := c.Write(hello.AppendJSON(nil)); err != nil {
		return err
	}
	for silence := time.Minute; ; {
		message, err := c.Read(silence)
		if err != nil {
			return ended(err)
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

// ended says in words how a connection has ended. A close code that stands alone counts as the error with that code.
func ended(err error) error {
	var closed *socket.CloseError
	switch {
	case errors.As(err, &closed):
		if code, ok := codeOf(closed.Code); ok {
			return &realtime.Error{Code: code, Message: "the server closed the connection", Err: err}
		}
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the server sent nothing for too long")
	}
	return fmt.Errorf("the connection was lost: %w", err)
}

// codeOf is the code that a close code speaks of for certain; 4400 may be several.
func codeOf(closed int) (realtime.Code, bool) {
	for _, code := range []realtime.Code{
		realtime.CodeUnauthorized, realtime.CodeForbidden, realtime.CodeReplaced, realtime.CodeBadRequest, realtime.CodeTooLarge,
	} {
		if code.Meaning().Close == closed {
			return code, true
		}
	}
	return "", false
}

// notGateway gives a handshake's refusal that stands a code that says so. A gateway
// refuses a token behind the handshake.
func notGateway(err error) error {
	var h *socket.HandshakeError
	if errors.As(err, &h) && h.Status < 500 && h.Status != http.StatusTooManyRequests && h.Status != http.StatusRequestTimeout {
		return &realtime.Error{Code: realtime.CodeNotFound, Message: "--url: no gateway answers there", Err: err}
	}
	return err
}
