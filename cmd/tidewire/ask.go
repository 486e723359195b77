package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/realtime/wire"
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
			question := wire.ClientFrame{Type: wire.TypeCall, Route: args[0]}
			if len(args) == 2 {
				if question.Data, err = dataOf(args[1], false); err != nil {
					return err
				}
			}
			if err := to.resolve(cmd.Context()); err != nil {
				return err
			}
			answer, err := client.Ask(cmd.Context(), to.url, to.token, question)
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
