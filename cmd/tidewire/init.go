package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/starter"
)

func newInit(s std) *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Write a page, what publishes to it and a tenant, to begin with",
		Long: "init writes a small dashboard into DIR, which must be empty or not exist: a page, the\n" +
			"client, a producer for Node and a file of tenants with a key of its own. It prints how to\n" +
			"start them.\n" + exitHelp,
		Args: exactly(1, 1, "one argument, a folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			names, err := starter.Write(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, `%s now has %s. To see the page, in that folder:

  tidewire dev --tenants tenants.json --demo=false --page .

and in another terminal, in the same folder:

  export TIDEWIRE_URL=http://127.0.0.1:8080
  export TIDEWIRE_TOKEN="$(tidewire token --tenants tenants.json --tenant app --user producer --publish 'sensors:*')"
  node producer.mjs
`, args[0], strings.Join(names, ", "))
			return err
		},
	}
}
