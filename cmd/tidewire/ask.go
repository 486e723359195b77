package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
)

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
			var data, answer json.RawMessage
			if len(args) == 2 {
				if data, err = dataOf(args[1], false); err != nil {
					return err
				}
			}
			if err := to.resolve(cmd.Context()); err != nil {
				return err
			}
			err = client.OverSocket(cmd.Context(), to.url, to.token, func(ctx context.Context, c *tidewire.Client) (err error) {
				answer, err = c.Call(ctx, args[0], data)
				return err
			})
			if err != nil {
				return err
			}
			if answer == nil {
				answer = json.RawMessage("null")
			}
			_, err = fmt.Fprintf(s.out, "%s\n", answer)
			return err
		},
	}
	to.flags(cmd, "where the gateway is", "token of the caller")
	return cmd
}
