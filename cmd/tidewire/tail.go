package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

func newTail(s std) *cobra.Command {
	var address, token, since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tail --url U --token JWT [--since POSITION] CHANNEL...",
		Short: "Print what is published to channels",
		Long: "tail reads channels until it is interrupted. It reconnects and resumes by\n" +
			"itself, and says on standard error when something was missed. Output is one\n" +
			"message a line; with --json, the server's message frames as they are.\n" + exitHelp,
		Example: "  tidewire tail --url http://127.0.0.1:8080 --token $TOKEN prices:equities",
		Args:    exactly(1, -1, "one CHANNEL or more"),
		RunE: func(cmd *cobra.Command, channels []string) error {
			target, err := socketURL(address)
			if err != nil {
				return err
			}
			from, err := realtime.ParsePosition(since)
			if err != nil {
				return usagef("--since: %w", err)
			}
			t := &tail{std: s, url: target, token: token, json: asJSON, positions: map[string]realtime.Position{}}
			for _, c := range channels {
				t.positions[c] = from
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return t.run(ctx)
		},
	}
	f := cmd.Flags()
	f.StringVar(&address, "url", "", "where the gateway is (required)")
	f.StringVar(&token, "token", "", "token that may subscribe (required)")
	f.StringVar(&since, "since", "", "position to begin at")
	f.BoolVar(&asJSON, "json", false, "print message frames")
	required(cmd, "url", "token")
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

// tail is one call of the command: a client that resumes.
type tail struct {
	std
	url, token string
	json       bool
	positions  map[string]realtime.Position // where it stands, by channel
	asOf       int64
}

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
		failures++
		if _, printed := fmt.Fprintf(t.err, "tidewire: %v; trying again in %v\n", err, wait.Round(100*time.Millisecond)); printed != nil {
			return printed
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// backoff says whether to connect again and when: not after a refusal that
// stands, and never before the server said.
func backoff(err error, failures int) (time.Duration, bool) {
	var refused *realtime.Error
	asked := time.Duration(0)
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
	for name, since := range t.positions {
		hello.Subscriptions = append(hello.Subscriptions, wire.Subscription{Channel: name, Since: since})
	}
	if err := c.Write(hello.AppendJSON(nil)); err != nil {
		return err
	}
	silence := time.Minute
	var why error // the error frame that announces the close
	for {
		message, err := c.Read(silence)
		if err != nil {
			return cmp.Or(why, err)
		}
		frame, err := wire.DecodeServer(message)
		if err != nil {
			return err
		}
		if frame.Type == wire.TypeWelcome && frame.HeartbeatMs > 0 {
			silence = time.Duration(frame.HeartbeatMs) * time.Millisecond * 5 / 2
		}
		if why, err = t.take(&frame, message); err != nil {
			return err
		}
	}
}

// notGateway gives a handshake's refusal that stands a code that says so. A gateway
// refuses a token behind the handshake.
func notGateway(err error) error {
	var h *socket.HandshakeError
	if errors.As(err, &h) && h.Status < 500 && h.Status != http.StatusTooManyRequests && h.Status != http.StatusRequestTimeout {
		return &realtime.Error{Code: realtime.CodeNotFound, Message: "--url: there is no gateway, or it lets nobody in", Err: err}
	}
	return err
}

// take handles a frame. It returns what an error frame says of the connection as why, and
// as err what makes reading on useless.
func (t *tail) take(f *wire.ServerFrame, raw []byte) (why, err error) {
	if f.Position != "" {
		p, err := realtime.ParsePosition(f.Position)
		if err != nil {
			return nil, err
		}
		t.positions[f.Channel] = p
	}
	switch f.Type {
	case wire.TypeMessage:
		if t.json {
			_, err = fmt.Fprintf(t.out, "%s\n", raw)
		} else {
			_, err = fmt.Fprintf(t.out, "%s %s %s %s\n", time.UnixMilli(f.Time).Format("15:04:05.000"), f.Channel, orDash(f.Key), f.Data)
		}
	case wire.TypeOK:
		if f.Gap {
			_, err = fmt.Fprintf(t.err, "tidewire: gap: something on %s was missed before %s\n", f.Channel, f.Position)
		}
	case wire.TypeNotice:
		_, err = fmt.Fprintf(t.err, "tidewire: %s on %s: %s\n", f.Code, f.Channel, noticed(f))
	case wire.TypeHeartbeat:
		t.asOf = max(t.asOf, f.AsOf)
	case wire.TypeError:
		refused := &realtime.Error{Code: f.Code, Message: f.Message, RetryAfter: time.Duration(f.RetryAfterMs) * time.Millisecond}
		if f.Channel == "" {
			return refused, nil
		}
		return nil, refused // a channel it was asked for and may not have
	}
	return nil, err
}

func noticed(f *wire.ServerFrame) string {
	if f.Count > 0 {
		return fmt.Sprintf("%d messages were dropped, because they were not read fast enough", f.Count)
	}
	return "something was missed here"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
