package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// askTimeout is how long a question over a socket may take, from the handshake on.
const askTimeout = 30 * time.Second

func newCall(s std) *cobra.Command {
	to := access{std: s}
	cmd := &cobra.Command{
		Use:   "call ROUTE [DATA]",
		Short: "Call the gateway's own program over a socket",
		Long: "call sends one request and prints the data of the answer. The program defines the\n" +
			"routes; examples/calls has one. DATA has the same form as for publish.\n" + accessHelp + exitHelp,
		Example:           "  tidewire call orders.place '{\"symbol\":\"EURUSD\",\"amount\":1000}'",
		Args:              exactly(1, 2, "ROUTE and DATA"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			question := wire.ClientFrame{Type: wire.TypeCall, Route: args[0]}
			if len(args) == 2 {
				if question.Data, err = dataOf(args[1], false); err != nil {
					return err
				}
			}
			if err := to.resolve(cmd.Context()); err != nil {
				return err
			}
			answer, err := ask(cmd.Context(), to.url, to.token, question)
			if err != nil {
				return err
			}
			data := answer.Data
			if data == nil {
				data = json.RawMessage("null")
			}
			_, err = fmt.Fprintf(s.out, "%s\n", data)
			return err
		},
	}
	to.flags(cmd, "where the gateway is", "token of the caller")
	return cmd
}

// ask sends one frame over a socket of its own, and returns the ok that answers it. A refusal is a *realtime.Error.
func ask(ctx context.Context, address, token string, question wire.ClientFrame) (wire.ServerFrame, error) {
	var none wire.ServerFrame
	target, err := socketURL(address)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c, err := socket.Dial(ctx, target, http.Header{}, wire.Subprotocol)
	if err != nil {
		return none, unreached(notGateway(err))
	}
	defer c.Close() //nolint:errcheck // the answer is there, or will not come
	question.ID = wire.ID("1")
	for _, frame := range []wire.ClientFrame{{Type: wire.TypeConnect, Token: token}, question} {
		if err := c.Write(frame.AppendJSON(nil)); err != nil {
			return none, unreached(err)
		}
	}
	for {
		message, err := c.Read(askTimeout)
		if err != nil {
			return none, unreached(ended(err))
		}
		f, err := wire.DecodeServer(message)
		if err != nil {
			return none, fmt.Errorf("the server sent something that is not a frame: %w", err)
		}
		switch {
		case f.Type == wire.TypeError && (len(f.ID) == 0 || string(f.ID) == string(question.ID)):
			return none, &realtime.Error{Code: f.Code, Message: f.Message, Limit: f.Limit, RetryAfter: time.Duration(f.RetryAfterMs) * time.Millisecond}
		case f.Type == wire.TypeOK && string(f.ID) == string(question.ID):
			return f, nil
		}
	}
}

// unreached gives an error of the network the code of a server that does not answer.
func unreached(err error) error {
	if realtime.CodeOf(err) != realtime.CodeInternal {
		return err
	}
	return unreachable(err)
}
