package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/apply"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// operation is what the commands of tenants share: where the API is, who asks, and how to answer.
type operation struct {
	access
	json bool
}

func newTenants(s std) *cobra.Command {
	cmd := group("tenants", "Create, show, change, list and suspend tenants of a deployment",
		"tenants calls the management API of a deployment, or of dev, with an operator's\ntoken; tidewire token makes one.\n")
	cmd.AddCommand(newTenantsApply(s), newTenantsShow(s), newTenantsList(s), newSuspension(s, "suspend"), newSuspension(s, "resume"))
	return cmd
}

// flags adds those of every command.
func (o *operation) flags(cmd *cobra.Command) {
	o.access.flags(cmd, "where the management API is", "an operator's token")
	o.googleFlags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "answer in JSON, one value per line")
	cmd.Long += accessHelp + exitHelp
}

// with calls f with the API.
func (o *operation) with(ctx context.Context, f func(*client.API) error) error {
	o.service = contexts.API
	if err := o.resolve(ctx); err != nil {
		return err
	}
	s, err := client.New(o.url, o.access.token, o.google)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(&client.API{Server: s})
}

func newTenantsApply(s std) *cobra.Command {
	o := &operation{access: access{std: s}}
	a := &apply.Applying{Out: s.out, Err: s.err}
	cmd := &cobra.Command{
		Use:   "apply [FILE | -]",
		Short: "Create or change tenants and their topics from a file",
		Long: "apply creates or changes each tenant of FILE, or of standard input, and shows what\n" +
			"changes, field by field. The file has the same form as for tidewire dev --tenants:\n" +
			`{"tenants":{"acme":{"limits":{"connections":500}}}}; docs/limits.md and` + "\n" +
			"docs/tokens.md list the fields. The whole file is checked before anything is sent.\n\n" +
			"Tenants, fields and keys that the file does not name stay as they are. Keys are\n" +
			"identified by their kid; a new key is put first, so that it signs. null sets a\n" +
			"field back to its default. With --prune, what the file does not name in its\n" +
			"tenants is removed, including keys, except for \"suspended\". A key without its\n" +
			"secret keeps the stored one.\n\n" +
			"A change that somebody else makes at the same moment is also kept. If a tenant is\n" +
			"refused, the others are still applied; it is safe to repeat the command. With\n" +
			"--dry-run nothing is done, and the exit code is 5 if something would change. With\n" +
			"--json it writes a line for each tenant: {\"tenant\":\"acme\",\"change\":\"created\",\n" +
			`"changes":[{"field":"limits.connections","from":null,"to":500}]}.` + "\n",
		Example: "  tidewire tenants apply tenants.json",
		Args:    exactly(0, 1, "one FILE or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "-"
			if len(args) == 1 {
				file = args[0]
			} else if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				return usage.Errorf("apply: FILE is missing; - reads it from standard input")
			}
			o.stdin = file == "-"
			text, err := readFile(s.in, file)
			if err != nil {
				return usage.Errorf("%s: %w", file, err)
			}
			documents, err := apply.Read(file, text)
			if err != nil {
				return err
			}
			return o.with(cmd.Context(), func(api *client.API) error {
				a.API, a.JSON = api, o.json
				return a.All(cmd.Context(), documents)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&a.Prune, "prune", false, "remove what the file does not name, including keys")
	cmd.Flags().BoolVar(&a.DryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

func newTenantsShow(s std) *cobra.Command {
	o := &operation{access: access{std: s}}
	cmd := &cobra.Command{
		Use:   "show TENANT...",
		Short: "Show the documents of tenants, as a file that can be applied",
		Long: "show prints the documents of tenants in the form that apply reads, without the\n" +
			"secrets of keys; apply keeps the stored ones. To change a tenant, edit what show\n" +
			"printed and apply it; to remove something, apply it with --prune.\n",
		Example: "  tidewire tenants show acme >acme.json",
		Args:    exactly(1, -1, "one TENANT or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd.Context(), func(api *client.API) error {
				file := map[string]map[string]json.RawMessage{"tenants": {}}
				for _, tenant := range args {
					document, err := api.Get(cmd.Context(), tenant)
					if err != nil {
						return fmt.Errorf("%s: %w", tenant, err)
					}
					file["tenants"][tenant] = document
				}
				enc := json.NewEncoder(s.out)
				enc.SetEscapeHTML(false)
				if !o.json {
					enc.SetIndent("", "  ")
				}
				return enc.Encode(file)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func newTenantsList(s std) *cobra.Command {
	o := &operation{access: access{std: s}}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the tenants",
		Long:    "list prints the name of every tenant, one per line.\n",
		Example: "  tidewire tenants list",
		Args:    exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd.Context(), func(api *client.API) error {
				ids, err := api.List(cmd.Context())
				if err != nil {
					return err
				}
				if o.json {
					return json.NewEncoder(s.out).Encode(map[string][]string{"tenants": ids})
				}
				for _, id := range ids {
					if _, err := fmt.Fprintln(s.out, id); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	o.flags(cmd)
	return cmd
}

// newSuspension is the command that suspends tenants, or the one that ends it.
func newSuspension(s std, verb string) *cobra.Command {
	o := &operation{access: access{std: s}}
	said := map[string]struct{ short, long string }{
		"suspend": {"Close the sockets of tenants, and refuse their tokens", "suspend closes every socket of the tenants within seconds. Every API refuses their\ntokens until they are resumed. Nothing is deleted.\n"},
		"resume":  {"End the suspension of tenants", "resume ends the suspension of tenants: their tokens are accepted again.\n"},
	}[verb]
	cmd := &cobra.Command{
		Use:     verb + " TENANT...",
		Short:   said.short,
		Long:    said.long,
		Example: "  tidewire tenants " + verb + " acme",
		Args:    exactly(1, -1, "one TENANT or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd.Context(), func(api *client.API) error {
				a := &apply.Applying{API: api, Out: s.out, Err: s.err, JSON: o.json}
				return a.Each(cmd.Context(), args, func(ctx context.Context, tenant string) (apply.Outcome, error) {
					change, err := api.Change(ctx, http.MethodPost, nil, tenant, verb)
					return apply.Outcome{Change: change}, err
				})
			})
		},
	}
	o.flags(cmd)
	return cmd
}
